// What the pages do beyond showing: times that go on, copying, and logs that grow. All of it is extra.
'use strict';
document.documentElement.classList.add('js');

const relative = (seconds) => {
  const size = Math.abs(seconds);
  if (size < 2) return 'now';
  const [unit, name] = size < 100 ? [1, 's'] : size < 5400 ? [60, 'min'] : size < 129600 ? [3600, 'h'] : [86400, 'd'];
  const text = `${Math.round(size / unit)} ${name}`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
};
setInterval(() => {
  for (const time of document.querySelectorAll('time[datetime]')) {
    const text = relative(Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
    if (time.textContent !== text) time.textContent = text;
  }
}, 5000);

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  const code = button.parentElement.querySelector('code');
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = 'Selected';
  }
  setTimeout(() => (button.textContent = 'Copy'), 2000);
});

// A log stays at its end while its reader is there. Old lines go: the whole log is behind the link above it.
const mostCharacters = 2_000_000;
const follow = (pre) => {
  const [lines, partial] = [pre.querySelector('[data-log-lines]'), pre.querySelector('[data-log-partial]')];
  const state = pre.closest('section').querySelector('[data-log-state]');
  const source = new EventSource(pre.dataset.log);
  const change = (apply) => (event) => {
    const isAtEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
    apply(event.data);
    if (isAtEnd) pre.scrollTop = pre.scrollHeight;
  };
  source.addEventListener(
    'reset',
    change((html) => (lines.innerHTML = html)),
  );
  source.addEventListener(
    'lines',
    change((html) => {
      const batch = document.createElement('span');
      batch.innerHTML = html;
      lines.append(batch);
      let size = lines.textContent.length;
      while (size > mostCharacters && lines.firstChild !== batch) {
        size -= lines.firstChild.textContent.length;
        lines.firstChild.remove();
      }
    }),
  );
  source.addEventListener(
    'partial',
    change((html) => (partial.innerHTML = html)),
  );
  source.addEventListener('end', () => {
    source.close();
    state.textContent = 'Complete';
  });
  source.addEventListener('open', () => (state.textContent = 'Live'));
  source.addEventListener('error', () => (state.textContent = 'Connecting again'));
  new MutationObserver((_, observer) => {
    if (pre.isConnected) return;
    source.close();
    observer.disconnect();
  }).observe(document.body, { childList: true, subtree: true });
};
const start = () => {
  for (const pre of document.querySelectorAll('pre.log:not([data-started])')) {
    pre.dataset.started = '';
    pre.scrollTop = pre.scrollHeight;
    if (pre.dataset.log) follow(pre);
  }
};
start();
new MutationObserver(start).observe(document.getElementById('main'), { childList: true, subtree: true });
