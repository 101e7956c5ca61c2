/** All locks that messages of this Node-RED hold. */
import type { Hold } from '../../coordination/hold';
import { Loan, type LoanTerms } from './loan';

/** Number of ended loans that are remembered, so that an error can contain the reason. */
const REMEMBERED = 1000;

/** All loans of this Node-RED, and the last ones that ended, by ID. */
class Loans {
  readonly #running = new Map<string, Loan>();
  readonly #ended = new Map<string, Loan>();

  lend(hold: Hold, terms: LoanTerms): Loan {
    const loan: Loan = new Loan(hold, {
      ...terms,
      onEnd: (reason) => {
        this.#forgetSoon(loan);
        terms.onEnd(reason);
      },
    });
    this.#running.set(loan.id, loan);
    return loan;
  }

  #forgetSoon(loan: Loan): void {
    this.#running.delete(loan.id);
    this.#ended.set(loan.id, loan);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > REMEMBERED && oldest !== undefined) this.#ended.delete(oldest);
  }

  find(id: string): Loan | undefined {
    return this.#running.get(id) ?? this.#ended.get(id);
  }
}

/** Lock and unlock nodes are modules of their own, and share this. */
export const loans = new Loans();
