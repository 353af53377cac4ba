/** Media types by a file name's ending. */
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  htm: 'text/html',
  css: 'text/css',
  csv: 'text/csv',
  txt: 'text/plain',
  log: 'text/plain',
  c: 'text/plain',
  h: 'text/plain',
  md: 'text/markdown',
  xml: 'text/xml',
  js: 'text/javascript',
  mjs: 'text/javascript',
  json: 'application/json',
  pdf: 'application/pdf',
  tar: 'application/x-tar',
  zip: 'application/zip',
  gz: 'application/gzip',
  sh: 'application/x-sh',
  pcap: 'application/vnd.tcpdump.pcap',
  wasm: 'application/wasm',
  gif: 'image/gif',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  svg: 'image/svg+xml',
  ico: 'image/vnd.microsoft.icon',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
};

export function mimeType(path: string): string {
  const ending = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
  return TYPES[ending] ?? 'application/octet-stream';
}
