/** MQTT topic filters: which topics one takes. */

/** Whether a topic filter takes a topic. `+` and `#` at the start take no topic that begins with $ [MQTT-4.7.2-1]. */
export function takesTopic(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
  const levels = topic.split('/')
  const wanted = filter.split('/')
  for (const [at, level] of wanted.entries()) {
    if (level === '#') return true
    const given = levels[at]
    if (given === undefined || (level !== '+' && level !== given)) return false
  }
  return wanted.length === levels.length
}
