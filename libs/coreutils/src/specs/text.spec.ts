import { textCases } from './text.cases.js';
import { recorded } from './spec-host.js';

recorded('text', textCases);
