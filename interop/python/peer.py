"""A py-libp2p node for the interoperability matrix. See ../README.md for its command line and the verbs on its stdin."""

import argparse
import json
import logging
import os
import ssl
import sys
import time

import trio
from libp2p import create_yamux_muxer_option, generate_new_ed25519_identity, new_host
from libp2p.crypto.x25519 import create_new_key_pair
from libp2p.host.ping import PingService
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from multiaddr import Multiaddr

ECHO = "/echo/1.0.0"
PERF = "/perf/1.0.0"
RESET = "/reset/1.0.0"
CHUNK = 65_536

# What is echoed: this block over and over. Its length is a prime, so a chunk that is lost or swapped is seen.
BLOCK = bytes((i * 31 + (i >> 8) * 17) & 0xFF for i in range(65_521))


async def main():
    options = parse_arguments()
    listen = [Multiaddr(address) for address in options.listen.split(",") if address]
    identity = generate_new_ed25519_identity()
    host = new_host(
        key_pair=identity,
        sec_opt={NOISE: Noise(identity, create_new_key_pair().private_key)},
        muxer_opt=create_yamux_muxer_option(),
        listen_addrs=listen or None,
        enable_websocket=True,
        tls_client_config=ssl.create_default_context(cafile=options.ca) if options.ca else None,
        tls_server_config=server_context(options.cert, options.key),
    )
    host.set_stream_handler(ECHO, answer_echo)
    host.set_stream_handler(PERF, answer_perf)
    host.set_stream_handler(RESET, lambda stream: stream.reset())

    async with host.run(listen_addrs=listen):
        say(peer=str(host.get_id()), addresses=[str(address) for address in host.get_addrs()] if listen else [])

        # ends with the program that started this one
        async for line in trio.wrap_file(sys.stdin):
            try:
                say(**await obey(host, *line.split()))
            except Exception as error:
                say(error=repr(error))
        os._exit(0)


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", default="", help="multiaddrs, with commas between them")
    parser.add_argument("--cert", help="PEM file: the certificate of secure listeners")
    parser.add_argument("--key", help="PEM file: its private key")
    parser.add_argument("--ca", help="PEM file: a certificate to trust when dialling")
    return parser.parse_args()


def server_context(cert, key):
    if cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def obey(host, verb, *words):
    if verb == "dial":
        info = info_from_p2p_addr(Multiaddr(words[0]))
        with trio.fail_after(20):
            await host.connect(info)
        return {"peer": str(info.peer_id), "address": words[0]}

    if verb == "exit":
        os._exit(0)

    numbers = [int(word) for word in words]
    peers = [
        peer
        for peer, connections in host.get_network().connections.items()
        if any(not connection.is_closed for connection in connections)
    ]
    if len(peers) != 1:
        raise ValueError(f"{len(peers)} connections instead of 1")
    [peer] = peers

    with trio.fail_after(120):
        if verb == "ping":
            [milliseconds] = await PingService(host).ping(peer)
            return {"ms": milliseconds, "peer": str(peer)}
        if verb == "echo":
            await echo(await host.new_stream(peer, [ECHO]), numbers[0])
            return {"bytes": numbers[0]}
        if verb == "streams":
            # all are open before the first ends
            streams = [await host.new_stream(peer, [ECHO]) for _ in range(numbers[0])]
            async with trio.open_nursery() as nursery:
                for stream in streams:
                    nursery.start_soon(echo, stream, numbers[1])
            return {"streams": numbers[0]}
        if verb == "perf":
            return {"seconds": await perf(await host.new_stream(peer, [PERF]), *numbers)}
        if verb == "close":
            await host.disconnect(peer)
            return {}

    raise ValueError(f"unknown verb {verb}")


async def echo(stream, length):
    async def write():
        for left in range(length, 0, -len(BLOCK)):
            await stream.write(BLOCK[:left])
        await stream.close_write()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        received = 0
        async for chunk in chunks(stream):
            start = received % len(BLOCK)
            if chunk != (BLOCK * 3)[start : start + len(chunk)]:
                raise ValueError("other bytes came back than were sent")
            received += len(chunk)
    expect(received, length)


async def perf(stream, upload, download):
    started = time.perf_counter()
    await stream.write(download.to_bytes(8, "big"))
    await write_zeros(stream, upload)
    await stream.close_write()
    expect(await drain(stream), download)
    return time.perf_counter() - started


async def answer_echo(stream):
    async for chunk in chunks(stream):
        await stream.write(chunk)
    await stream.close_write()


async def answer_perf(stream):
    wanted = b""
    async for chunk in chunks(stream):
        if len(wanted) < 8:
            wanted += chunk[: 8 - len(wanted)]
    if len(wanted) < 8:
        await stream.reset()
        return
    await write_zeros(stream, int.from_bytes(wanted, "big"))
    await stream.close_write()


async def chunks(stream):
    while True:
        try:
            chunk = await stream.read(CHUNK)
        except StreamEOF:
            return
        if not chunk:
            return
        yield chunk


async def drain(stream):
    received = 0
    async for chunk in chunks(stream):
        received += len(chunk)
    return received


async def write_zeros(stream, length):
    zeros = bytes(CHUNK)
    for left in range(length, 0, -CHUNK):
        await stream.write(zeros[:left])


def expect(received, wanted):
    if received != wanted:
        raise ValueError(f"received {received} of {wanted} bytes")


def say(**what):
    print(json.dumps(what), flush=True)


logging.disable()
trio.run(main)
