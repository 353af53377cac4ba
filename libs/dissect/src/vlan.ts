/**
 * The tag control information of IEEE 802.1Q.
 */

/** `vlan 10, p 3, DEI`. */
export function vlanTagText(tci: number): string {
  return `vlan ${tci & 0xfff}, p ${tci >> 13}${(tci & 0x1000) !== 0 ? ', DEI' : ''}`;
}

/** The ethertypes that announce a tag. */
export function isVlanType(ethertype: number): boolean {
  return (
    ethertype === 0x8100 || ethertype === 0x88a8 || ethertype === 0x9100 || ethertype === 0x9200
  );
}
