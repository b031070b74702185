export { dial } from '../channel/dial.ts'
