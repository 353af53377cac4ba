;; Bulk operations on packet memory: copy, Internet checksum, hash. Assembled into ops-wasm.ts by tools/assemble-wat.mjs.
(module
  (memory (import "env" "memory") 1 32768)

  (func (export "copy") (param $dst i32) (param $src i32) (param $len i32)
    (memory.copy (local.get $dst) (local.get $src) (local.get $len)))

  (func (export "fill") (param $dst i32) (param $value i32) (param $len i32)
    (memory.fill (local.get $dst) (local.get $value) (local.get $len)))

  ;; One's complement sum (RFC 1071) of len bytes at off plus init, folded to 16 bits, in network order as a number.
  (func (export "csum") (param $off i32) (param $len i32) (param $init i32) (result i32)
    (local $sum i64) (local $end i32) (local $v v128)
    (local.set $end (i32.add (local.get $off) (i32.and (local.get $len) (i32.const -16))))
    (block $done16
      (loop $by16
        (br_if $done16 (i32.ge_u (local.get $off) (local.get $end)))
        (local.set $v (i32x4.add (local.get $v) (i32x4.extadd_pairwise_i16x8_u (v128.load align=1 (local.get $off)))))
        (local.set $off (i32.add (local.get $off) (i32.const 16)))
        (br $by16)))
    (local.set $sum
      (i64.add
        (i64.add (i64.extend_i32_u (i32x4.extract_lane 0 (local.get $v))) (i64.extend_i32_u (i32x4.extract_lane 1 (local.get $v))))
        (i64.add (i64.extend_i32_u (i32x4.extract_lane 2 (local.get $v))) (i64.extend_i32_u (i32x4.extract_lane 3 (local.get $v))))))
    (local.set $end (i32.add (local.get $off) (i32.and (local.get $len) (i32.const 14))))
    (block $done2
      (loop $by2
        (br_if $done2 (i32.ge_u (local.get $off) (local.get $end)))
        (local.set $sum (i64.add (local.get $sum) (i64.load16_u align=1 (local.get $off))))
        (local.set $off (i32.add (local.get $off) (i32.const 2)))
        (br $by2)))
    (if (i32.and (local.get $len) (i32.const 1))
      (then (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $off))))))
    ;; init is in network order: swap its two bytes to add it to the little-endian sum
    (local.set $sum (i64.add (local.get $sum)
      (i64.extend_i32_u (i32.or
        (i32.shl (i32.and (local.get $init) (i32.const 255)) (i32.const 8))
        (i32.and (i32.shr_u (local.get $init) (i32.const 8)) (i32.const 255))))))
    (local.set $sum (i64.add (i64.and (local.get $sum) (i64.const 0xffff)) (i64.shr_u (local.get $sum) (i64.const 16))))
    (local.set $sum (i64.add (i64.and (local.get $sum) (i64.const 0xffff)) (i64.shr_u (local.get $sum) (i64.const 16))))
    (local.set $sum (i64.add (i64.and (local.get $sum) (i64.const 0xffff)) (i64.shr_u (local.get $sum) (i64.const 16))))
    (i32.or
      (i32.shl (i32.wrap_i64 (i64.and (local.get $sum) (i64.const 255))) (i32.const 8))
      (i32.wrap_i64 (i64.shr_u (local.get $sum) (i64.const 8)))))

  ;; A 32-bit hash of a frame: four lanes of 8 bytes, multiply and rotate,
  ;; so that the multiplications overlap; what is left over goes through the first lane.
  (func (export "hash") (param $src i32) (param $len i32) (result i32)
    (local $h i64) (local $b i64) (local $c i64) (local $d i64) (local $x i64) (local $end i32)
    (local.set $h (i64.mul (i64.extend_i32_u (local.get $len)) (i64.const 0x9e3779b97f4a7c15)))
    (local.set $end (i32.add (local.get $src) (i32.and (local.get $len) (i32.const -32))))
    (block $done32
      (loop $by32
        (br_if $done32 (i32.ge_u (local.get $src) (local.get $end)))
        (local.set $x (i64.load align=1 (local.get $src)))
        (local.set $h (i64.mul (i64.rotl (i64.xor (local.get $h) (local.get $x)) (i64.const 29)) (i64.const 0xff51afd7ed558ccd)))
        (local.set $x (i64.load offset=8 align=1 (local.get $src)))
        (local.set $b (i64.mul (i64.rotl (i64.xor (local.get $b) (local.get $x)) (i64.const 31)) (i64.const 0xc4ceb9fe1a85ec53)))
        (local.set $x (i64.load offset=16 align=1 (local.get $src)))
        (local.set $c (i64.mul (i64.rotl (i64.xor (local.get $c) (local.get $x)) (i64.const 37)) (i64.const 0x9e3779b97f4a7c15)))
        (local.set $x (i64.load offset=24 align=1 (local.get $src)))
        (local.set $d (i64.mul (i64.rotl (i64.xor (local.get $d) (local.get $x)) (i64.const 41)) (i64.const 0xbf58476d1ce4e5b9)))
        (local.set $src (i32.add (local.get $src) (i32.const 32)))
        (br $by32)))
    (local.set $h (i64.xor
      (i64.xor (local.get $h) (i64.rotl (local.get $b) (i64.const 13)))
      (i64.xor (i64.rotl (local.get $c) (i64.const 27)) (i64.rotl (local.get $d) (i64.const 47)))))
    (local.set $end (i32.add (local.get $src) (i32.and (local.get $len) (i32.const 24))))
    (block $done8
      (loop $by8
        (br_if $done8 (i32.ge_u (local.get $src) (local.get $end)))
        (local.set $x (i64.load align=1 (local.get $src)))
        (local.set $h (i64.mul (i64.rotl (i64.xor (local.get $h) (local.get $x)) (i64.const 29)) (i64.const 0xff51afd7ed558ccd)))
        (local.set $src (i32.add (local.get $src) (i32.const 8)))
        (br $by8)))
    (local.set $end (i32.add (local.get $src) (i32.and (local.get $len) (i32.const 7))))
    (block $done1
      (loop $by1
        (br_if $done1 (i32.ge_u (local.get $src) (local.get $end)))
        (local.set $x (i64.load8_u (local.get $src)))
        (local.set $h (i64.mul (i64.rotl (i64.xor (local.get $h) (local.get $x)) (i64.const 29)) (i64.const 0xff51afd7ed558ccd)))
        (local.set $src (i32.add (local.get $src) (i32.const 1)))
        (br $by1)))
    (local.set $h (i64.mul (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 32))) (i64.const 0xff51afd7ed558ccd)))
    (i32.wrap_i64 (i64.shr_u (local.get $h) (i64.const 32))))

  ;; Appends one pcapng enhanced packet block (type 6) with epb_flags and epb_packetid: the packet of $len bytes at $src.
  ;; $ctl holds the time of virtual zero (i64, nanoseconds), where the block goes (offset 8), the interface number (12)
  ;; and the snap length (16); moves the second and returns it. Where $flags have bit 31, which is not written, the reception
  ;; type is that of the Ethernet frame's destination: unicast, multicast or broadcast. Up to 64 bytes behind the block are written over.
  (func (export "epb") (param $ctl i32) (param $ts f64) (param $src i32) (param $len i32) (param $flags i32) (param $id f64) (result i32)
    (local $dst i32) (local $cap i32) (local $time i64) (local $total i32) (local $to i32) (local $end i32)
    (if (i32.lt_s (local.get $flags) (i32.const 0))
      (then
        (local.set $flags (i32.and (local.get $flags) (i32.const 0x7fffffff)))
        (if (i32.and (i32.load8_u (local.get $src)) (i32.const 1))
          (then
            (local.set $flags (i32.or (local.get $flags)
              (select (i32.const 0x0c) (i32.const 0x08)
                (i64.eq (i64.shl (i64.load align=1 (local.get $src)) (i64.const 16)) (i64.const 0xffffffffffff0000))))))
          (else (local.set $flags (i32.or (local.get $flags) (i32.const 0x04)))))))
    (local.set $dst (i32.load offset=8 (local.get $ctl)))
    (local.set $cap (i32.load offset=16 (local.get $ctl)))
    (local.set $cap (select (local.get $len) (local.get $cap) (i32.lt_u (local.get $len) (local.get $cap))))
    (local.set $time (i64.add (i64.trunc_f64_s (local.get $ts)) (i64.load (local.get $ctl))))
    (local.set $total (i32.add (i32.and (i32.add (local.get $cap) (i32.const 3)) (i32.const -4)) (i32.const 56)))
    (i32.store (local.get $dst) (i32.const 6))
    (i32.store offset=4 (local.get $dst) (local.get $total))
    (i32.store offset=8 (local.get $dst) (i32.load offset=12 (local.get $ctl)))
    (i64.store offset=12 align=4 (local.get $dst) (i64.rotl (local.get $time) (i64.const 32))) ;; its upper half first
    (i32.store offset=20 (local.get $dst) (local.get $cap))
    (i32.store offset=24 (local.get $dst) (local.get $len))
    (local.set $to (i32.add (local.get $dst) (i32.const 28)))
    (local.set $end (i32.add (local.get $to) (local.get $cap)))
    (if (i32.gt_u (local.get $cap) (i32.const 512))
      (then (memory.copy (local.get $to) (local.get $src) (local.get $cap)))
      (else
        (block $copied
          (loop $by16
            (br_if $copied (i32.ge_u (local.get $to) (local.get $end)))
            (v128.store align=1 (local.get $to) (v128.load align=1 (local.get $src)))
            (v128.store offset=16 align=1 (local.get $to) (v128.load offset=16 align=1 (local.get $src)))
            (v128.store offset=32 align=1 (local.get $to) (v128.load offset=32 align=1 (local.get $src)))
            (v128.store offset=48 align=1 (local.get $to) (v128.load offset=48 align=1 (local.get $src)))
            (local.set $to (i32.add (local.get $to) (i32.const 64)))
            (local.set $src (i32.add (local.get $src) (i32.const 64)))
            (br $by16)))))
    (i32.store align=1 (local.get $end) (i32.const 0)) ;; the padding; what lies behind it follows now
    (local.set $end (i32.add (local.get $dst) (local.get $total)))
    (i32.store (i32.sub (local.get $end) (i32.const 28)) (i32.const 0x00040002))
    (i32.store (i32.sub (local.get $end) (i32.const 24)) (local.get $flags))
    (i32.store (i32.sub (local.get $end) (i32.const 20)) (i32.const 0x00080005))
    (i64.store align=4 (i32.sub (local.get $end) (i32.const 16)) (i64.trunc_f64_s (local.get $id)))
    (i64.store align=4 (i32.sub (local.get $end) (i32.const 8)) (i64.shl (i64.extend_i32_u (local.get $total)) (i64.const 32)))
    (i32.store offset=8 (local.get $ctl) (local.get $end))
    (local.get $end))
)
