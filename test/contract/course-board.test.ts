import { expect } from 'chai';
import { newSortableId, newUuid } from '../../src/base/ids.ts';
import { createCourseBoard } from '../../src/courses/board.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

onEveryEngine('學習互動區 (requirements 31, W18)', ({ storage }) => {
  const clock = new TestClock();
  const board = () => createCourseBoard({ store: storage().board, clock });
  const faultOf = (act: Promise<unknown>): Promise<string> =>
    act.then(
      () => 'none',
      (error: { kind?: string }) => error.kind ?? 'other',
    );

  it('shows announcements to all, and a learner’s messages to that learner and the staff, newest first', async () => {
    const courseId = newUuid();
    await board().say(courseId, 'announcement', 'teacher', ' 週五停機。\r\n請提早上課。 ');
    clock.advance(1);
    const question = await board().say(courseId, 'question', 'learner-a', '第三節的數字對嗎？');
    clock.advance(1);
    await board().say(courseId, 'feedback', 'learner-b', '講得很清楚');
    await board().say(newUuid(), 'announcement', 'teacher', '別的課程');
    expect((await board().announcements(courseId)).map(({ text }) => text)).to.deep.equal([
      '週五停機。\n請提早上課。',
    ]);
    expect((await board().messages(courseId)).map(({ authorId }) => authorId)).to.deep.equal([
      'learner-b',
      'learner-a',
    ]);
    expect(await board().messagesOf(courseId, 'learner-a')).to.deep.equal([question]);

    await board().answer(courseId, question.id, 'teacher', '已更正，謝謝。');
    expect((await board().messagesOf(courseId, 'learner-a'))[0]?.answer).to.deep.equal({
      text: '已更正，謝謝。',
      personId: 'teacher',
      at: clock.now(),
    });
  });

  it('answers only messages of the course, and withdraws only its announcements', async () => {
    const [courseId, other] = [newUuid(), newUuid()];
    const question = await board().say(courseId, 'question', 'learner', '問題');
    const notice = await board().say(courseId, 'announcement', 'teacher', '公告');
    expect(await faultOf(board().answer(other, question.id, 'teacher', '答'))).to.equal('not-found');
    expect(await faultOf(board().answer(courseId, notice.id, 'teacher', '答'))).to.equal('not-found');
    expect(await faultOf(board().withdraw(courseId, question.id))).to.equal('not-found');
    expect(await faultOf(board().withdraw(courseId, newSortableId()))).to.equal('not-found');
    await board().withdraw(courseId, notice.id);
    expect(await board().announcements(courseId)).to.deep.equal([]);
  });

  it('refuses empty and overlong texts, and more than twenty that wait for an answer', async () => {
    const courseId = newUuid();
    expect(await faultOf(board().say(courseId, 'question', 'l', ' \n '))).to.equal('invalid');
    expect(await faultOf(board().say(courseId, 'question', 'l', '長'.repeat(2001)))).to.equal('invalid');
    for (let n = 0; n < 20; n++) await board().say(courseId, 'question', 'l', `問題 ${n}`);
    expect(await faultOf(board().say(courseId, 'feedback', 'l', '再一個'))).to.equal('rate-limited');
    const [newest] = await board().messagesOf(courseId, 'l');
    await board().answer(courseId, newest?.id ?? '', 'teacher', '好');
    expect(await faultOf(board().say(courseId, 'feedback', 'l', '再一個'))).to.equal('none');
  });

  it('gives all that somebody has said, and takes them out of it when they are erased', async () => {
    const [one, two, learner, other, teacher] = [newUuid(), newUuid(), newUuid(), newUuid(), newUuid()];
    const answered = await board().say(one, 'question', learner, '我是林美惠，第三節的數字對嗎？');
    clock.advance(1);
    const open = await board().say(two, 'feedback', learner, '講得很清楚');
    const foreign = await board().say(one, 'question', other, '別人的問題');
    const notice = await board().say(one, 'announcement', teacher, '公告');
    await board().answer(one, answered.id, teacher, '已更正。');
    await board().answer(one, foreign.id, 'colleague', '好');
    expect((await storage().board.ofAuthor(learner)).map(({ id }) => id)).to.deep.equal([
      answered.id,
      open.id,
    ]);

    expect(await storage().board.anonymise(learner)).to.equal(2);
    expect(await storage().board.anonymise(learner)).to.equal(0);
    expect(await storage().board.ofAuthor(learner)).to.deep.equal([]);
    expect(await storage().board.byId(open.id)).to.equal(null);
    const left = await storage().board.byId(answered.id);
    expect(left).to.deep.include({ authorId: '', text: '', kind: 'question' });
    expect(left?.answer).to.include({ text: '已更正。', personId: teacher });
    expect(await storage().board.byId(foreign.id)).to.deep.include({ authorId: other, text: '別人的問題' });

    expect(await storage().board.anonymise(teacher)).to.equal(2);
    expect(await storage().board.byId(notice.id)).to.deep.include({ authorId: '', text: '公告' });
    expect((await storage().board.byId(answered.id))?.answer).to.include({ text: '已更正。', personId: '' });
    expect((await storage().board.byId(foreign.id))?.answer).to.include({ personId: 'colleague' });
  });
});
