import { isDomainError } from '../../base/errors.ts';
import type { Agencies } from './agencies.ts';

/** Made-up agencies for demo mode, in the form that an import reads; two have been renamed, one is closed. */
export const demoDirectory = `機關代碼,機關名稱,英文名稱,上級機關代碼,狀態,起日,迄日
300000000A,範例省政府,Example Provincial Government,,啟用,,
301000000A,範例縣政府,Example County Government,300000000A,啟用,,
301010000A,範例縣政府人事處,"Personnel Department, Example County Government",301000000A,啟用,,
301020000A,範例縣政府環境永續處,"Environment Department, Example County Government",301000000A,啟用,2024-01-01,
301020000A,範例縣政府環境保護處,,,,,2024-01-01
301030000A,範例縣政府教育處,"Education Department, Example County Government",301000000A,啟用,,
301030100A,範例縣立青山國民小學,Qingshan Elementary School,301030000A,啟用,,
301030200A,範例縣立綠水國民中學,Lyushuei Junior High School,301030000A,啟用,,
301040000A,範例縣松風鄉公所,Songfong Township Office,301000000A,啟用,,
301050000A,範例縣竹影市公所,Jhuying City Office,301000000A,啟用,2022-12-25,
301050000A,範例縣竹影鎮公所,,,,,2022-12-25
301090000A,範例縣政府資訊室,"Information Office, Example County Government",301000000A,裁撤,,
A90000000E,範例部,Ministry of Examples,,啟用,,
A90010000E,範例部公務人力學院,"Academy of Civil Service, Ministry of Examples",A90000000E,啟用,,
A90020000E,範例部數位發展司,"Department of Digital Affairs, Ministry of Examples",A90000000E,啟用,,
`;

/** Fills an empty directory; safe to run at each start and in several processes at once. */
export async function ensureDemoAgencies(agencies: Agencies): Promise<void> {
  if ((await agencies.count()).all > 0) return;
  try {
    await agencies.import(Buffer.from(demoDirectory), { whole: false });
  } catch (error) {
    // Another process was first.
    if (!isDomainError(error, 'conflict')) throw error;
  }
}
