/**
 * Files of /proc about the host's CPUs: interrupts and softirqs.
 */
import { nicOf } from '@netloom/kernel-drivers';
import type { PseudoFs } from '@netloom/kernel-tasks';
import { hostOf } from './host.js';

/** First interrupt number of cards. */
const FIRST_NIC_IRQ = 24;

const SOFTIRQS = [
  'HI',
  'TIMER',
  'NET_TX',
  'NET_RX',
  'BLOCK',
  'IRQ_POLL',
  'TASKLET',
  'SCHED',
  'HRTIMER',
  'RCU',
] as const;

export function registerHostFiles(pseudo: PseudoFs): void {
  pseudo.registerFile('/proc/interrupts', {
    read: (task) => {
      const { kernel } = hostOf(task);
      const cpus = Array.from({ length: kernel.cpus }, (_, cpu) => `CPU${cpu}`.padStart(10)).join(
        ' ',
      );
      let text = `    ${cpus}       \n`;
      let irq = FIRST_NIC_IRQ;
      for (const net of kernel.nets) {
        for (const dev of net.devices) {
          const nic = nicOf(dev);
          if (nic === undefined) continue;
          const counts = Array.from({ length: kernel.cpus }, (_, cpu) =>
            String(cpu === 0 ? nic.irqs : 0).padStart(10),
          ).join(' ');
          text += `${String(irq++).padStart(3)}: ${counts}  PCI-MSI ${524288 + 16384 * (irq - FIRST_NIC_IRQ)}-edge      ${dev.name}\n`;
        }
      }
      return text;
    },
  });
  pseudo.registerFile('/proc/softirqs', {
    read: (task) => {
      const { kernel } = hostOf(task);
      const row = (cells: readonly (string | number)[]): string =>
        cells.map((cell) => ` ${String(cell).padStart(10)}`).join('');
      let text = `                    ${Array.from({ length: kernel.cpus }, (_, cpu) => `CPU${cpu}`.padEnd(11)).join('')}\n`;
      for (const name of SOFTIRQS) {
        const counts = Array.from({ length: kernel.cpus }, (_, cpu) => {
          const sd = kernel.softnet(cpu);
          return name === 'NET_RX' ? sd.netRxRuns : name === 'NET_TX' ? sd.netTxRuns : 0;
        });
        text += `${`${name}:`.padStart(12)}${row(counts)}\n`;
      }
      return text;
    },
  });
  pseudo.registerFile('/proc/kmsg', {
    read: (task) =>
      hostOf(task)
        .kernel.log.map(
          ({ time, level, text }) =>
            `<${level}>[${(time / 1e9).toFixed(6).padStart(12)}] ${text}\n`,
        )
        .join(''),
  });
}
