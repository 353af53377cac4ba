// Every project's tests in one run. In a project's own folder, `npm test` runs that project alone.
import { existsSync, readdirSync } from 'node:fs';

const root = new URL('./', import.meta.url);
const within = (folder) => readdirSync(new URL(folder, root)).map((name) => `${folder}/${name}`);
const folders = [...within('apps'), ...within('libs'), 'e2e', 'tools'];

export default {
  maxWorkers: 2,
  // Only the root's value counts in a run of several projects; machines that are busy are slow.
  testTimeout: 60_000,
  projects: folders
    .filter((folder) => existsSync(new URL(`${folder}/jest.config.js`, root)))
    .map((folder) => `<rootDir>/${folder}`),
};
