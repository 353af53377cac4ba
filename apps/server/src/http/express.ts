/** The types of the HTTP layer that Nest brings along; nothing of Express itself is imported. */
// eslint-disable-next-line @nx/enforce-module-boundaries -- types alone, and platform-express decides the version
export type { NextFunction, Request, Response } from 'express';
