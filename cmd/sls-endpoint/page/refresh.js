// Shows what has landed since: fetches the page it is on and puts its live parts in place of the old ones.
'use strict';
const every = 2000;
const state = document.getElementById('state');
async function refresh() {
  try {
    const answer = await fetch(location.href, { cache: 'no-store' });
    if (!answer.ok) throw new Error(await answer.text());
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const reading = !getSelection().isCollapsed; // a person is about to copy something
    for (const part of document.querySelectorAll('[data-live]')) {
      const next = fresh.getElementById(part.id);
      if (!next || reading || next.innerHTML === part.innerHTML) continue;
      const along = part.querySelector('.scroll')?.scrollLeft;
      part.innerHTML = next.innerHTML;
      if (along) part.querySelector('.scroll')?.scrollTo(along, 0);
    }
    state.textContent = '';
  } catch (error) {
    state.textContent = 'The endpoint does not answer.';
  }
  setTimeout(refresh, document.hidden ? 5 * every : every);
}
setTimeout(refresh, every);
