/** What the runtime alone takes; `build.sh --hello` compiles it. */
console.log("hello");
