import type { Verb } from './types.ts';

const adl = (name: string, zh: string): Verb => ({
  id: `http://adlnet.gov/expapi/verbs/${name}`,
  display: { 'en-US': name, 'zh-TW': zh },
});

/** The verbs that the platform itself writes: the ADL vocabulary, with displays in both languages. */
export const verbs = {
  initialized: adl('initialized', '開始'),
  resumed: adl('resumed', '繼續'),
  suspended: adl('suspended', '暫停'),
  terminated: adl('terminated', '結束'),
  exited: adl('exited', '離開'),
  completed: adl('completed', '完成'),
  passed: adl('passed', '通過'),
  failed: adl('failed', '未通過'),
  scored: adl('scored', '得分'),
  progressed: adl('progressed', '進度'),
  responded: adl('responded', '回應'),
  answered: adl('answered', '作答'),
  commented: adl('commented', '留言'),
  registered: adl('registered', '選課'),
  launched: adl('launched', '啟動'),
  attempted: adl('attempted', '嘗試'),
  voided: adl('voided', '作廢'),
} as const;

/** Activity types of the ADL vocabulary. */
export const activityTypes = {
  course: 'http://adlnet.gov/expapi/activities/course',
  lesson: 'http://adlnet.gov/expapi/activities/lesson',
  module: 'http://adlnet.gov/expapi/activities/module',
  attempt: 'http://adlnet.gov/expapi/activities/attempt',
  objective: 'http://adlnet.gov/expapi/activities/objective',
  interaction: 'http://adlnet.gov/expapi/activities/cmi.interaction',
  assessment: 'http://adlnet.gov/expapi/activities/assessment',
  profile: 'http://adlnet.gov/expapi/activities/profile',
  survey: 'http://id.tincanapi.com/activitytype/survey',
} as const;
