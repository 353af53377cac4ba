/**
 * Tells rtnetlink's listeners what happens to devices. @kernel rtnetlink_event()
 */
import type { KernelModules } from '@netloom/kernel-core';
import { linkMsg } from './rtnl-link.js';

export function registerLinkEvents(modules: KernelModules): void {
  modules.addNetdevNotifier((event, dev) => {
    if (
      dev.net.rtnlListeners.size === 0 ||
      event === 'UP' ||
      event === 'GOING_DOWN' ||
      event === 'DOWN'
    )
      return; // CHANGE follows
    dev.net.notify({
      type: event === 'UNREGISTER' ? 'RTM_DELLINK' : 'RTM_NEWLINK',
      link: linkMsg(dev),
    });
  });
}
