// An echo of Node's module net: the example of its documentation for net.createServer. `node node_echo.js PORT`
const net = require('node:net');

const server = net.createServer((c) => {
  c.pipe(c);
});
server.on('error', (err) => {
  throw err;
});
server.listen(Number(process.argv[2]), '127.0.0.1');
