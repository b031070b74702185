/** A browser listens nowhere: there is nothing to share. */
export function sharedTcp <T> (tcp: T): T {
  return tcp
}
