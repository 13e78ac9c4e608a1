import assert from "node:assert/strict";
import { ListConfirmation } from "../../../src/watchers/pods/list_confirmation.ts";

Deno.test("lists are believed until etcd was restored, and then once one of them names nothing that is gone", () => {
  const lists = new ListConfirmation();
  assert.deepEqual([lists.look(0), lists.listed(), lists.isDoubted], [false, false, false]);
  assert.deepEqual([lists.look(1), lists.isDoubted], [true, true]);
  assert.equal(lists.look(1), false, "that is known");
  assert.equal(lists.listed(), true, "each that is listed is asked for");
  lists.refute();
  lists.asked();
  assert.equal(lists.isDoubted, true);
  lists.asked();
  assert.equal(lists.isDoubted, true, "of the next list nothing has been asked yet");
  assert.equal(lists.listed(), true);
  lists.asked();
  assert.equal(lists.isDoubted, false);
});

Deno.test("etcd that is restored once more while lists are in doubt changes nothing, and afterwards it does", () => {
  const lists = new ListConfirmation();
  lists.look(1);
  assert.equal(lists.look(2), false);
  lists.listed();
  lists.asked();
  assert.equal(lists.look(2), false);
  assert.equal(lists.look(3), true);
});
