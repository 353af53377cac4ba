export { coreutilsPrograms } from './programs.js';
