export { PacketPrinter } from './packet-printer.js';
export type { PrinterOptions } from './options.js';
