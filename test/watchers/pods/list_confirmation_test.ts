import assert from "node:assert/strict";
import { ListConfirmation } from "../../../src/watchers/pods/list_confirmation.ts";

Deno.test("lists are believed until etcd was restored, and then once one of them names nothing that is gone", () => {
  const lists = new ListConfirmation();
  assert.deepEqual([lists.look(0), lists.listed(), lists.isDoubted], [false, false, false]);
  assert.deepEqual([lists.look(1), lists.isDoubted], [true, true]);
  assert.equal(lists.look(1), false, "that is known");
  assert.equal(lists.listed(), true, "each that is listed is asked for");
  lists.refute("req-0");
  lists.asked();
  assert.equal(lists.isDoubted, true);
  lists.asked();
  assert.equal(lists.isDoubted, true, "of the next list nothing has been asked yet");
  assert.equal(lists.listed(), true);
  lists.asked();
  assert.equal(lists.isDoubted, false);
});

Deno.test("a pod that was listed, and that we ourselves deleted before it was asked for, refutes nothing", () => {
  for (const isFirst of [true, false]) {
    const lists = new ListConfirmation();
    lists.look(1);
    lists.listed();
    lists.refute("req-0");
    lists.refute("req-1");
    if (isFirst) lists.asked();
    lists.sawGone("req-0");
    lists.sawGone("other-0");
    assert.equal(lists.isDoubted, true);
    lists.sawGone("req-1");
    if (!isFirst) lists.asked();
    assert.equal(lists.isDoubted, false);
  }
});

Deno.test("etcd that is restored once more while lists are in doubt is no news, and a list of before is not believed", () => {
  const lists = new ListConfirmation();
  lists.look(1);
  lists.listed();
  assert.equal(lists.look(2), false);
  lists.asked();
  assert.equal(lists.isDoubted, true);
  lists.listed();
  lists.asked();
  assert.equal(lists.look(2), false);
  assert.equal(lists.look(3), true);
});
