/** What an asynchronous function becomes: a generator that goes on when what it yields is settled. */

export default function coroutine(work) {
  return function (...given) {
    return new Promise((resolve, reject) => {
      const steps = work.apply(this, given)
      const step = (how, value) => {
        const { done, value: next } = steps[how](value)
        if (done) resolve(next)
        else Promise.resolve(next).then(goOn, fail)
      }
      const attempt = (how) => (value) => {
        try {
          step(how, value)
        } catch (error) {
          reject(error)
        }
      }
      const goOn = attempt('next')
      const fail = attempt('throw')
      goOn()
    })
  }
}
