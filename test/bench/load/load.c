/*
 * The load client of the benches: many connections, closed loop (each slot asks again once answered) or open loop
 * (calls fall due at a fixed rate, and a late one is measured from when it was due). Prints one JSON line.
 *
 * gcc -O2 -o load *.c
 */
#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define DRAIN (3 * SECOND)
#define CONNECT_AT_ONCE 64

static const protocol *speak;
static connection *all;
static int poller, timer, ready_count;
static connection **dirty;
static int dirty_count;
/* Slots that may ask, in the order in which they became free. */
static struct free_slot { connection *c; int index; } *ring;
static size_t ring_size, ring_first, ring_count;
static bool asking;
static uint64_t started, measure_from, measure_to, sent, in_flight, call_number, seed;
static uint64_t completed, wrong, refusals, total_done;
static histogram latency;
static size_t id_marks[8], reply_marks[8], id_count, reply_count;

uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

static void watch(connection *c, bool writing) {
  struct epoll_event e = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
  c->blocked = writing;
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

static void flush(connection *c) {
  c->dirty = false;
  while (c->out.off < c->out.len) {
    ssize_t n = write(c->fd, c->out.bytes + c->out.off, c->out.len - c->out.off);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) fail("connection %d: writing: %s", c->index, strerror(errno));
    c->out.off += (size_t)n;
  }
  if (c->out.off == c->out.len) c->out.off = c->out.len = 0;
  bool waits = c->out.len > 0;
  if (waits != c->blocked) watch(c, waits);
}

static void mark(connection *c) {
  if (c->dirty) return;
  c->dirty = true;
  dirty[dirty_count++] = c;
}

static void flush_all(void) {
  for (int i = 0; i < dirty_count; i++) flush(dirty[i]);
  dirty_count = 0;
}

static void release(connection *c, int index) {
  c->slots[index].busy = false;
  ring[(ring_first + ring_count++) % ring_size] = (struct free_slot){c, index};
}

void ready(connection *c) {
  if (c->ready) return;
  c->ready = true;
  ready_count++;
}

static void end_call(connection *c, int index, bool good) {
  slot *s = &c->slots[index];
  if (!s->busy) return; /* a duplicate; at least once allows it */
  uint64_t t = now_ns();
  in_flight--;
  total_done++;
  if (good && t >= measure_from && t < measure_to) completed++;
  if (good && s->due >= measure_from && s->due < measure_to) record(&latency, t - s->due);
  release(c, index);
}

/* Prints one answer as hex digits, for the check that a subject really answers. */
static void show(const uint8_t *bytes, size_t n) {
  opt.show = 0;
  printf("answer ");
  for (size_t i = 0; i < n; i++) printf("%02x", bytes[i]);
  printf("\n");
}

void answered(connection *c, int index, const uint8_t *bytes, size_t n) {
  slot *s = &c->slots[index];
  bool good = memmem(bytes, n, s->id, ID_LENGTH) != NULL;
  if (!good && s->busy && wrong++ == 0) fprintf(stderr, "not the answer: %.*s\n", (int)(n < 400 ? n : 400), bytes);
  if (opt.show) show(bytes, n);
  end_call(c, index, good);
}

void acknowledged(connection *c, int index) { end_call(c, index, true); }

void refused(connection *c, int index) {
  if (refusals++ == 0) fprintf(stderr, "refused: %.400s\n", (const char *)c->in.bytes + c->in.off);
  end_call(c, index, false);
}

static void write_id(char *to) {
  static const char hex[] = "0123456789abcdef";
  uint64_t v = seed << 32 | (call_number++ & 0xffffffffu);
  for (int i = ID_LENGTH - 1; i >= 0; i--, v >>= 4) to[i] = hex[v & 15];
}

static void ask(connection *c, int index, uint64_t due) {
  slot *s = &c->slots[index];
  write_id(s->id);
  s->due = due;
  s->busy = true;
  sent++;
  in_flight++;
  for (size_t i = 0; i < id_count; i++) memcpy(opt.payload + id_marks[i], s->id, ID_LENGTH);
  for (size_t i = 0; i < reply_count; i++) reply_address(opt.payload + reply_marks[i], c, index, '/');
  speak->ask(c, index, (uint8_t *)opt.payload, opt.size);
  mark(c);
}

/* Asks whatever is due and has a free slot. */
static void pump(void) {
  uint64_t t = now_ns();
  if (!asking || t >= measure_to) return;
  size_t budget = ring_count; /* QoS 0 frees its slot at once: one turn of the ring, then the sockets again */
  while (ring_count && budget--) {
    uint64_t due = opt.rate > 0 ? started + (uint64_t)((double)sent / opt.rate * 1e9) : t;
    if (due > t) break;
    struct free_slot f = ring[ring_first];
    ring_first = (ring_first + 1) % ring_size;
    ring_count--;
    ask(f.c, f.index, due);
  }
}

static void receive(connection *c) {
  for (;;) {
    reserve(&c->in, 65536);
    ssize_t n = read(c->fd, c->in.bytes + c->in.len, 65536);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) fail("connection %d: reading: %s", c->index, strerror(errno));
    if (n == 0) fail("connection %d: closed by the server after %llu calls", c->index, (unsigned long long)total_done);
    c->in.len += (size_t)n;
    size_t taken;
    while (c->in.off < c->in.len &&
           (taken = speak->take(c, c->in.bytes + c->in.off, c->in.len - c->in.off)))
      c->in.off += taken;
    if (c->in.off == c->in.len) c->in.off = c->in.len = 0;
    if (n < 65536) break;
  }
  if (c->out.len) mark(c);
}

static void turn(int timeout_ms) {
  struct epoll_event events[512];
  int n = epoll_wait(poller, events, 512, timeout_ms);
  for (int i = 0; i < n; i++) {
    connection *c = events[i].data.ptr;
    if (!c) {
      uint64_t ticks;
      if (read(timer, &ticks, sizeof ticks) < 0 && errno != EAGAIN) fail("timer: %s", strerror(errno));
      continue;
    }
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
    if (events[i].events & EPOLLOUT) mark(c);
  }
  pump();
  flush_all();
}

static void open_connection(connection *c, int index) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
  inet_pton(AF_INET, opt.host, &address.sin_addr);
  c->index = index;
  c->slots = calloc((size_t)opt.window, sizeof(slot));
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address)) fail("connecting: %s", strerror(errno));
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
  speak->greet(c);
  mark(c);
}

static void connect_all(void) {
  uint64_t give_up = now_ns() + 60 * SECOND;
  for (int i = 0; i < opt.clients; i++) {
    open_connection(&all[i], i);
    flush_all();
    int least = i + 1 < opt.clients ? i + 1 - CONNECT_AT_ONCE : opt.clients;
    while (ready_count < least) {
      if (now_ns() > give_up) fail("only %d of %d connections became ready", ready_count, opt.clients);
      turn(100);
    }
  }
}

static void find_marks(void) {
  for (char *at = opt.payload; (at = memmem(at, (size_t)(opt.payload + opt.size - at), ID_MARK, ID_LENGTH)) && id_count < 8;
       at += ID_LENGTH)
    id_marks[id_count++] = (size_t)(at - opt.payload);
  for (char *at = opt.payload;
       (at = memmem(at, (size_t)(opt.payload + opt.size - at), REPLY_MARK, REPLY_LENGTH)) && reply_count < 8;
       at += REPLY_LENGTH)
    reply_marks[reply_count++] = (size_t)(at - opt.payload);
}

static double cpu_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void start_timer(void) {
  if (opt.rate <= 0) return;
  /* Not finer than 100 us: above 10,000/s calls fall due in small groups, and each is measured from its own time. */
  long period = opt.rate > 10000 ? 100000 : (long)(1e9 / opt.rate);
  struct itimerspec every = {.it_interval = {period / 1000000000, period % 1000000000}};
  every.it_value = every.it_interval;
  timerfd_settime(timer, 0, &every, NULL);
}

static void run(void) {
  for (int i = 0; i < opt.window; i++)
    for (int k = 0; k < opt.clients; k++) release(&all[k], i);
  started = now_ns();
  measure_from = started + (uint64_t)(opt.warm * 1e9);
  measure_to = measure_from + (uint64_t)(opt.seconds * 1e9);
  asking = true;
  start_timer();
  double cpu = cpu_seconds();
  pump();
  flush_all();
  while (now_ns() < measure_to) turn(opt.rate <= 0 && ring_count ? 0 : 20);
  asking = false;
  cpu = (cpu_seconds() - cpu) / (opt.warm + opt.seconds);
  for (uint64_t give_up = now_ns() + DRAIN; in_flight && now_ns() < give_up;) turn(20);
  printf("{\"throughput\":%.1f,\"p50\":%.4f,\"p95\":%.4f,\"p99\":%.4f,\"max\":%.4f,\"completed\":%llu,\"sent\":%llu,"
         "\"wrong\":%llu,\"refused\":%llu,\"unanswered\":%llu,\"client_cpu\":%.2f}\n",
         (double)completed / opt.seconds, quantile(&latency, .5), quantile(&latency, .95), quantile(&latency, .99),
         (double)latency.max / 1e6, (unsigned long long)completed, (unsigned long long)sent, (unsigned long long)wrong,
         (unsigned long long)refusals, (unsigned long long)in_flight, cpu);
}

/* Responders and idle clients sit until their time is over or they are told to end. */
static void sit(void) {
  printf("ready %d\n", opt.clients);
  fflush(stdout);
  uint64_t end = now_ns() + (uint64_t)(opt.seconds * 1e9);
  while (now_ns() < end) turn(100);
}

int main(int argc, char **argv) {
  speak = read_options(argc, argv);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  seed = (now_ns() ^ (uint64_t)getpid() << 20) & 0xffffffffu;
  find_marks();
  poller = epoll_create1(0);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, timer, &e);
  ring_size = (size_t)opt.clients * (size_t)opt.window;
  ring = calloc(ring_size, sizeof *ring);
  all = calloc((size_t)opt.clients, sizeof *all);
  dirty = calloc((size_t)opt.clients, sizeof *dirty);
  connect_all();
  if (strcmp(opt.mode, "idle") && strcmp(opt.mode, "respond")) run();
  else sit();
  return 0;
}
