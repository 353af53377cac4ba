export { netutilsPrograms } from './programs.js';
