/* The command line of the load client. */
#include "load.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

options opt = {.protocol = "mqtt", .mode = "request", .host = "127.0.0.1", .path = "/", .headers = "", .name = "load",
               .port = 1883, .clients = 1, .window = 1, .version = 4, .qos = 1, .seconds = 5, .warm = 1};

const protocol *read_options(int argc, char **argv) {
  static const struct option known[] = {
      {"protocol", 1, 0, 'P'}, {"mode", 1, 0, 'm'},    {"port", 1, 0, 'p'},    {"clients", 1, 0, 'c'}, {"window", 1, 0, 'w'},
      {"seconds", 1, 0, 's'},  {"warm", 1, 0, 'W'},    {"rate", 1, 0, 'r'},    {"topic", 1, 0, 't'},   {"path", 1, 0, 'u'},
      {"headers", 1, 0, 'H'},  {"payload", 1, 0, 'b'}, {"version", 1, 0, 'v'}, {"qos", 1, 0, 'q'},     {"name", 1, 0, 'n'},
      {"show", 1, 0, 'S'},
      {0, 0, 0, 0}};
  opt.payload = "";
  for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) switch (o) {
      case 'P': opt.protocol = optarg; break;
      case 'm': opt.mode = optarg; break;
      case 'p': opt.port = atoi(optarg); break;
      case 'c': opt.clients = atoi(optarg); break;
      case 'w': opt.window = atoi(optarg); break;
      case 's': opt.seconds = atof(optarg); break;
      case 'W': opt.warm = atof(optarg); break;
      case 'r': opt.rate = atof(optarg); break;
      case 't': opt.topic = optarg; break;
      case 'u': opt.path = optarg; break;
      case 'H': opt.headers = optarg; break;
      case 'b': opt.payload = optarg; break;
      case 'v': opt.version = atoi(optarg); break;
      case 'q': opt.qos = atoi(optarg); break;
      case 'n': opt.name = optarg; break;
      case 'S': opt.show = atoi(optarg); break;
      default: exit(2);
    }
  opt.payload = strdup(opt.payload);
  opt.size = strlen(opt.payload);
  const protocol *speak = !strcmp(opt.protocol, "http") ? &http : !strcmp(opt.protocol, "nats") ? &nats : &mqtt;
  if (speak == &http && opt.window != 1) fail("http takes --window 1: requests are not pipelined");
  if (strcmp(opt.mode, "idle") && opt.clients > 999) fail("at most 999 clients may call");
  if (opt.window > 9999) fail("at most 9,999 calls in flight per client");
  return speak;
}

