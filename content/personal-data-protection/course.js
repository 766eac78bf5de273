// Pages, bookmark and practice. What is kept: the page (lesson_location) and, in suspend_data, pages seen and the practice answer.
(function () {
  'use strict';

  var scorm = window.scorm;
  var pages = Array.prototype.slice.call(document.querySelectorAll('main > section'));
  var previous = document.getElementById('previous');
  var next = document.getElementById('next');
  var form = document.getElementById('practice');
  var result = document.getElementById('practice-result');
  var state = { seen: [], practice: null, tries: 0 };
  var at = 0;
  var completed = false;

  function remember() {
    scorm.set('cmi.core.lesson_location', pages[at].id);
    scorm.set('cmi.suspend_data', JSON.stringify(state));
    if (!completed && state.seen.length === pages.length) {
      completed = true;
      scorm.set('cmi.core.lesson_status', 'completed');
    }
    scorm.commit();
  }

  function show(index, focus) {
    at = Math.max(0, Math.min(pages.length - 1, index));
    pages.forEach(function (page, number) {
      page.hidden = number !== at;
      page.tabIndex = -1;
    });
    if (state.seen.indexOf(pages[at].id) < 0) state.seen.push(pages[at].id);
    document.getElementById('where').textContent =
      '第 ' + (at + 1) + ' 頁，共 ' + pages.length + ' 頁：' + pages[at].dataset.title;
    document.getElementById('path').style.width = (state.seen.length / pages.length) * 100 + '%';
    previous.disabled = at === 0;
    next.disabled = at === pages.length - 1;
    window.scrollTo(0, 0);
    if (focus) pages[at].focus();
    remember();
  }

  function tell(answer) {
    var right = answer === 'b';
    result.className = right ? 'right' : 'wrong';
    result.textContent = right
      ? '✓ 答對了。更正是當事人的權利，受理後應於三十日內准駁，必要時得延長一次三十日。'
      : '✕ 再想想。更正是當事人的權利，不能要求放棄，也不能以歸檔為由拒絕。';
  }

  previous.addEventListener('click', function () {
    show(at - 1, true);
  });
  next.addEventListener('click', function () {
    show(at + 1, true);
  });
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    var chosen = form.querySelector('input:checked');
    if (!chosen) {
      result.className = '';
      result.textContent = '請先選一個答案。';
      return;
    }
    var base = 'cmi.interactions.' + state.tries + '.';
    state.practice = chosen.value;
    state.tries += 1;
    tell(chosen.value);
    scorm.set(base + 'id', 'practice-1');
    scorm.set(base + 'type', 'choice');
    scorm.set(base + 'correct_responses.0.pattern', 'b');
    scorm.set(base + 'student_response', chosen.value);
    scorm.set(base + 'result', chosen.value === 'b' ? 'correct' : 'wrong');
    remember();
  });

  scorm.begin();
  try {
    var kept = JSON.parse(scorm.get('cmi.suspend_data') || 'null');
    if (kept && Array.isArray(kept.seen)) state = kept;
  } catch (error) {
    // Not ours: begin anew.
  }
  var status = scorm.get('cmi.core.lesson_status');
  completed = status === 'completed' || status === 'passed';
  if (!completed && scorm.get('cmi.core.entry') !== 'resume')
    scorm.set('cmi.core.lesson_status', 'incomplete');
  if (state.practice) {
    var input = form.querySelector('input[value="' + state.practice + '"]');
    if (input) input.checked = true;
    tell(state.practice);
  }
  var bookmark = scorm.get('cmi.core.lesson_location');
  var found = pages.findIndex(function (page) {
    return page.id === bookmark;
  });
  show(found < 0 ? 0 : found, false);

  function leave() {
    scorm.end(completed ? '' : 'suspend');
  }
  window.addEventListener('pagehide', leave);
})();
