import { jqCases } from './jq.cases.js';
import { recorded } from './spec-host.js';

recorded('jq', jqCases);
