/**
 * What is used of `node:http`. An `import` of it reads all its properties, and one of them loads undici: 2 MB that each
 * garbage collection walks through.
 */
export const { createServer, request, STATUS_CODES, validateHeaderName, validateHeaderValue } = process.getBuiltinModule('node:http')
