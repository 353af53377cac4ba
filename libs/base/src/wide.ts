/**
 * Fields that hold more than 31 bits.
 *
 * V8 gives an object's field the representation of what it has held so far. One that starts as a small integer and later
 * holds a time or a sequence number changes it, for which the shape of every such object is replaced and all compiled code
 * that knows the old one is thrown away: with times in nanoseconds that happens 2.1 s into a simulation. A field that
 * starts as minus zero, which is no small integer, is a double from the beginning.
 */

/** 0, for a field that will hold times in nanoseconds or unsigned 32-bit numbers. */
export const WIDE_ZERO = -0;
