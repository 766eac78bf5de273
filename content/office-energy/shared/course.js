// SCORM 2004 (RTE 4th Edition): what has been on screen counts as read; location, progress and language are kept.
(function () {
  'use strict';

  function search(from) {
    var at = from;
    for (var steps = 0; at && steps < 500; steps++) {
      try {
        if (at.API_1484_11) return at.API_1484_11;
        if (at.parent === at) return null;
        at = at.parent;
      } catch (error) {
        return null;
      }
    }
    return null;
  }

  var api = search(window) || (window.opener ? search(window.opener) : null);
  var open = api ? String(api.Initialize('')) === 'true' : false;
  var began = Date.now();
  var steps = Array.prototype.slice.call(document.querySelectorAll('[data-step]'));
  var form = document.getElementById('practice');
  var result = document.getElementById('practice-result');
  var state = { seen: [], practice: null, tries: 0, language: 'zh' };

  function get(name) {
    return open ? String(api.GetValue(name)) : '';
  }
  function set(name, value) {
    if (open) api.SetValue(name, String(value));
  }
  function text(zh, en) {
    return state.language === 'en' ? en : zh;
  }

  function done() {
    return state.seen.length === steps.length && (!form || state.practice !== null);
  }

  function show() {
    document.documentElement.lang = text('zh-Hant-TW', 'en');
    document.querySelectorAll('[data-zh]').forEach(function (element) {
      element.textContent = text(element.dataset.zh, element.dataset.en);
    });
    var button = document.getElementById('language');
    button.textContent = text('English', '中文');
    button.lang = text('en', 'zh-Hant-TW');
    steps.forEach(function (step, at) {
      step.classList.toggle('seen', state.seen.indexOf(at) >= 0);
    });
    document.getElementById('progress').textContent = done()
      ? text('✓ 這個單元完成了。', '✓ This unit is complete.')
      : text('已讀 ', 'Read: ') + state.seen.length + ' / ' + steps.length;
    if (result && state.practice) {
      var right = state.practice === 'strip';
      result.className = right ? 'right' : 'wrong';
      result.textContent = right
        ? text('✓ 答對了，一次關掉所有插座。', '✓ Right: it cuts off all sockets at once.')
        : text('✕ 再想想：設備仍然插著電。', '✕ Think again: the devices stay plugged in.');
    }
  }

  function keep() {
    var share = state.seen.length / steps.length;
    set('cmi.location', String(Math.max.apply(null, [0].concat(state.seen))));
    set('cmi.suspend_data', JSON.stringify(state));
    set('cmi.progress_measure', done() ? 1 : Math.min(0.99, share));
    set('cmi.completion_status', done() ? 'completed' : 'incomplete');
    if (form && state.practice) {
      var right = state.practice === 'strip';
      set('cmi.score.min', 0);
      set('cmi.score.max', 100);
      set('cmi.score.raw', right ? 100 : 0);
      set('cmi.score.scaled', right ? 1 : 0);
      set('cmi.success_status', right ? 'passed' : 'failed');
    } else if (!form && done()) set('cmi.success_status', 'passed');
    if (open) api.Commit('');
  }

  try {
    var kept = JSON.parse(get('cmi.suspend_data') || 'null');
    if (kept && Array.isArray(kept.seen)) state = kept;
  } catch (error) {
    // Not ours: begin anew.
  }
  if (!get('cmi.suspend_data') && /^en/.test(get('cmi.learner_preference.language'))) state.language = 'en';
  if (form && state.practice) {
    var input = form.querySelector('input[value="' + state.practice + '"]');
    if (input) input.checked = true;
  }
  show();
  set('cmi.completion_status', done() ? 'completed' : 'incomplete');

  var watcher = new IntersectionObserver(
    function (entries) {
      var grew = false;
      entries.forEach(function (entry) {
        var at = steps.indexOf(entry.target);
        if (entry.isIntersecting && state.seen.indexOf(at) < 0) {
          state.seen.push(at);
          grew = true;
        }
      });
      if (grew) {
        show();
        keep();
      }
    },
    { threshold: 0.6 },
  );
  steps.forEach(function (step) {
    watcher.observe(step);
  });

  document.getElementById('language').addEventListener('click', function () {
    state.language = state.language === 'en' ? 'zh' : 'en';
    show();
    keep();
  });

  if (form)
    form.addEventListener('submit', function (event) {
      event.preventDefault();
      var chosen = form.querySelector('input:checked');
      if (!chosen) return;
      var base = 'cmi.interactions.' + state.tries + '.';
      state.practice = chosen.value;
      state.tries += 1;
      set(base + 'id', 'urn:zhixing:office-energy:practice:' + state.tries);
      set(base + 'type', 'choice');
      set(base + 'correct_responses.0.pattern', 'strip');
      set(base + 'learner_response', chosen.value);
      set(base + 'result', chosen.value === 'strip' ? 'correct' : 'incorrect');
      set(base + 'description', 'Practice: standby power');
      show();
      keep();
    });

  var left = false;
  window.addEventListener('pagehide', function () {
    if (left || !open) return;
    left = true;
    var seconds = Math.round((Date.now() - began) / 1000);
    set('cmi.session_time', 'PT' + seconds + 'S');
    set('cmi.exit', done() ? 'normal' : 'suspend');
    api.Terminate('');
  });
})();
