export { registerSched } from './register.js';
