import { grepCases } from './grep.cases.js';
import { recorded } from './spec-host.js';

recorded('grep', grepCases);
