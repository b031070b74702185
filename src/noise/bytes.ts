import type { ICryptoInterface } from '@chainsafe/libp2p-noise'

/** Bytes, or a list of them: the type that Noise has for it is that of another major version of `uint8arraylist`. */
export type Bytes = Parameters<ICryptoInterface['hashSHA256']>[0]
