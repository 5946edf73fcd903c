// Building elements without a framework. Styles are set through the CSSOM only, so a strict content security
// policy (no inline styles) holds.

/**
 * @param {string} tag e.g. "button.quiet"
 * @param {object} properties `on…` are listeners, `style` an object of CSS properties, `data` an object of data
 *   attributes; names with a dash are attributes; everything else is set as a property
 * @param {...(Node|string|null)} children
 */
export function h(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const element = document.createElement(name);
  if (classes.length > 0) element.classList.add(...classes);
  for (const [key, value] of Object.entries(properties)) setProperty(element, key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function setProperty(element, key, value) {
  if (value === null || value === undefined) return;
  if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
  else if (key === 'style') for (const [name, text] of Object.entries(value)) element.style.setProperty(name, text);
  else if (key === 'data') Object.assign(element.dataset, value);
  else if (key.includes('-') || key === 'role' || key === 'for' || key === 'colspan') element.setAttribute(key, value);
  else element[key] = value;
}

/** Sets text only when it changed, so that a steady figure causes no layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A group of buttons of which one is pressed. Returns the element and a setter of the value. */
export function segmented(label, options, onChoose) {
  const buttons = options.map(({ value, text, title }) => h('button', {
    type: 'button', textContent: text, title: title ?? '', 'aria-pressed': 'false', data: { value },
    onclick: () => onChoose(value),
  }));
  const element = h('div.segmented', { role: 'group', 'aria-label': label }, ...buttons);
  const set = (values) => {
    const chosen = new Set([values].flat());
    for (const button of buttons) button.setAttribute('aria-pressed', String(chosen.has(button.dataset.value)));
  };
  return { element, set };
}

/**
 * Keeps the children of `parent` equal to `keys`, in order, making and removing as little as possible.
 * @param {Map<any, {element: Element}>} views by key; filled and emptied here
 */
export function reconcile(parent, views, keys, make) {
  const wanted = new Set(keys);
  for (const [key, view] of views) {
    if (wanted.has(key)) continue;
    view.element.remove();
    views.delete(key);
  }
  keys.forEach((key, index) => {
    if (!views.has(key)) views.set(key, make(key));
    const { element } = views.get(key);
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
  });
}
