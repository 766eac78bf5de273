import { expect } from 'chai';
import iconv from 'iconv-lite';
import { readManifest } from '../../src/player/packages/manifest.ts';
import { resolveHref, withParameters } from '../../src/player/packages/resources.ts';
import { manifestOf, type ManifestParts } from '../support/zips.ts';

const read = (text: string | Buffer, files: string[] = ['index.html']) => {
  const { manifest, findings } = readManifest(Buffer.from(text as string), new Set(files));
  return { manifest, findings, rules: findings.map(({ rule }) => rule) };
};
const readParts = (parts: ManifestParts, files?: string[]) => read(manifestOf(parts), files);
const items = (inner: string): string =>
  `<organizations default="O"><organization identifier="O"><title>課程</title>${inner}</organization></organizations>`;
const sco = (id: string, more = '', type = 'scormtype'): string =>
  `<resource identifier="${id}" type="webcontent" adlcp:${type}="sco" href="index.html" ${more}/>`;

describe('reading imsmanifest.xml', () => {
  describe('SCORM 1.2 (CAM 2.3)', () => {
    it('reads a single item', () => {
      const { manifest, rules } = readParts({});
      expect(rules).to.deep.equal([]);
      expect(manifest).to.deep.include({ standard: 'scorm-1.2', edition: '1.2', title: '個人資料保護' });
      expect(manifest?.items).to.deep.equal([
        { identifier: 'I1', title: '第一課', visible: true, href: 'index.html', kind: 'sco', children: [] },
      ]);
    });

    it('reads nested items with launch data, mastery score, time limit, prerequisites and parameters', () => {
      const { manifest, rules } = readParts({
        organizations: items(`<item identifier="C"><title>單元</title>
          <item identifier=" I1 " identifierref=" R1 " parameters="?a=1&amp;b=2" isvisible="false"><title> 一 </title>
            <adlcp:prerequisites type="aicc_script">I2&amp;~C="failed"</adlcp:prerequisites>
            <adlcp:maxtimeallowed>01:00:00</adlcp:maxtimeallowed>
            <adlcp:timelimitaction>exit,no message</adlcp:timelimitaction>
            <adlcp:datafromlms>啟動</adlcp:datafromlms><adlcp:masteryscore>80</adlcp:masteryscore></item>
          <item identifier="I2" identifierref="R2"><title>二</title></item></item>`),
        resources: `<resources>${sco('R1')}<resource identifier="R2" type="webcontent" adlcp:scormtype="asset" href="index.html"/></resources>`,
      });
      expect(rules).to.deep.equal([]);
      const [cluster] = manifest?.items ?? [];
      expect(cluster).to.deep.include({ identifier: 'C', kind: 'cluster', href: null });
      expect(cluster?.children[0]).to.deep.equal({
        identifier: 'I1',
        title: '一',
        visible: false,
        href: 'index.html?a=1&b=2',
        kind: 'sco',
        prerequisites: 'I2&~C="failed"',
        maxTimeAllowed: '01:00:00',
        timeLimitAction: 'exit,no message',
        dataFromLms: '啟動',
        masteryScore: 80,
        children: [],
      });
      expect(cluster?.children[1]?.kind).to.equal('asset');
    });

    it('joins xml:base of manifest, resources and resource', () => {
      const { manifest, rules } = readParts(
        {
          root: 'xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2" xml:base="a/"',
          resources: `<resources xml:base="b/"><resource identifier="R1" xml:base="第 1 課/" adlcp:scormtype="sco" href="x%20y.html#top"/></resources>`,
        },
        ['a/b/第 1 課/x y.html'],
      );
      expect(rules).to.deep.equal([]);
      expect(manifest?.items[0]?.href).to.equal('a/b/%E7%AC%AC%201%20%E8%AA%B2/x%20y.html#top');
    });
  });

  describe('SCORM 2004 (CAM 3, SN)', () => {
    const version = '2004 4th Edition';
    it('names the edition', () => {
      for (const [said, edition] of [
        ['2004 4th Edition', '2004 4th Edition'],
        ['2004 3rd Edition', '2004 3rd Edition'],
        ['CAM 1.3', '2004 2nd Edition'],
      ] as const)
        expect(readParts({ version: said }).manifest).to.deep.include({ standard: 'scorm-2004', edition });
    });

    it('reads completion threshold, time limit, hidden buttons and shared data', () => {
      const { manifest } = readParts({
        version,
        organizations: items(`<item identifier="I1" identifierref="R1"><title>一</title>
          <adlcp:timeLimitAction>continue,no message</adlcp:timeLimitAction><adlcp:dataFromLMS>d</adlcp:dataFromLMS>
          <adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="0.75" progressWeight="0.5"/>
          <adlcp:data><adlcp:map targetID="urn:s" readSharedData="true" writeSharedData="false"/></adlcp:data>
          <adlnav:presentation><adlnav:navigationInterface><adlnav:hideLMSUI>continue</adlnav:hideLMSUI>
          <adlnav:hideLMSUI>previous</adlnav:hideLMSUI></adlnav:navigationInterface></adlnav:presentation></item>`),
      });
      const [item] = manifest?.items ?? [];
      expect(item).to.deep.include({
        timeLimitAction: 'continue,no message',
        dataFromLms: 'd',
        completionThreshold: { completedByMeasure: true, minProgressMeasure: 0.75, progressWeight: 0.5 },
        hideLmsUi: ['continue', 'previous'],
      });
      expect(item?.sharedData).to.deep.equal([{ targetId: 'urn:s', read: true, write: false }]);
      expect(item).not.to.have.property('sequencing');
    });

    it('reads sequencing, its collection overridden part by part (SN 3.2)', () => {
      const { manifest, rules } = readParts({
        version,
        organizations: items(`<item identifier="I1" identifierref="R1"><title>一</title>
          <imsss:sequencing IDRef="S"><imsss:limitConditions attemptLimit="2"/></imsss:sequencing></item>
          <imsss:sequencing><imsss:controlMode choice="false" flow="true"/>
            <imsss:sequencingRules><imsss:preConditionRule><imsss:ruleConditions conditionCombination="any">
              <imsss:ruleCondition referencedObjective="o" measureThreshold="0.5" operator="not" condition="objectiveMeasureGreaterThan"/>
              </imsss:ruleConditions><imsss:ruleAction action="skip"/></imsss:preConditionRule></imsss:sequencingRules>
            <imsss:rollupRules objectiveMeasureWeight="0.5"><imsss:rollupRule childActivitySet="atLeastPercent" minimumPercent="0.6">
              <imsss:rollupConditions><imsss:rollupCondition condition="completed"/></imsss:rollupConditions>
              <imsss:rollupAction action="completed"/></imsss:rollupRule></imsss:rollupRules></imsss:sequencing>`),
        more: `<imsss:sequencingCollection><imsss:sequencing ID="S"><imsss:limitConditions attemptLimit="9"/>
          <imsss:deliveryControls tracked="false"/>
          <imsss:objectives><imsss:primaryObjective objectiveID="P" satisfiedByMeasure="true">
            <imsss:minNormalizedMeasure>0.6</imsss:minNormalizedMeasure>
            <imsss:mapInfo targetObjectiveID="urn:g" readSatisfiedStatus="true"/></imsss:primaryObjective>
            <imsss:objective objectiveID="o2"/></imsss:objectives></imsss:sequencing></imsss:sequencingCollection>`,
      });
      expect(rules).to.deep.equal([]);
      expect(manifest?.items[0]?.sequencing).to.deep.equal({
        attemptLimit: 2,
        deliveryControls: { tracked: false },
        primaryObjective: {
          objectiveID: 'P',
          isPrimary: true,
          satisfiedByMeasure: true,
          minNormalizedMeasure: 0.6,
          mapInfo: [{ targetObjectiveID: 'urn:g', readSatisfiedStatus: true }],
        },
        objectives: [{ objectiveID: 'o2', isPrimary: false }],
      });
      const sequencing = manifest?.extra['sequencing'] as Record<string, unknown>;
      expect(sequencing['sequencingControls']).to.deep.equal({
        choice: false,
        flow: true,
        objectiveMeasureWeight: 0.5,
      });
      expect(sequencing['sequencingRules']).to.deep.nested.include({
        'preConditionRules[0].action': 'skip',
        'preConditionRules[0].conditionCombination': 'any',
      });
      // versions are stored with per cent, the manifest has a fraction.
      expect(sequencing['rollupRules']).to.deep.nested.include({ 'rules[0].minimumPercent': 60 });
    });

    it('names a collection that does not exist', () => {
      const { findings } = readParts({
        version,
        organizations: items(
          `<item identifier="I1" identifierref="R1"><title>一</title>\n<imsss:sequencing IDRef="none"/></item>`,
        ),
      });
      expect(findings.map(({ rule }) => rule)).to.deep.equal(['manifest.sequencing-collection']);
      expect(findings[0]?.line).to.equal(5);
    });
  });

  describe('as authoring tools write it', () => {
    it('reads UTF-16 of both orders, Big5, and a UTF-8 mark', () => {
      const text = manifestOf();
      const declared = (name: string) => text.replace('UTF-8', name);
      for (const bytes of [
        iconv.encode(declared('UTF-16'), 'utf-16le', { addBOM: true }),
        iconv.encode(declared('UTF-16'), 'utf-16be', { addBOM: true }),
        iconv.encode(declared('Big5'), 'big5'),
        Buffer.from(`\ufeff${text}`),
        Buffer.from(`\n  ${text}`),
      ])
        expect(read(bytes)).to.deep.nested.include({ 'manifest.title': '個人資料保護', rules: [] });
    });

    it('does without namespaces, or with wrong ones, and says what it took the version for', () => {
      const { manifest, rules } = read(
        `<manifest identifier="M"><organizations><organization identifier="O"><title>x</title><item identifier="I" identifierref="R"><title>x</title></item></organization></organizations><resources><resource identifier="R" scormtype="SCO" href="index.html"/></resources></manifest>`,
      );
      expect(rules).to.deep.equal(['manifest.version']);
      expect(manifest?.items[0]).to.deep.include({ kind: 'sco', href: 'index.html' });
      const wrong = readParts({ root: 'xmlns="urn:wrong" xmlns:adlcp="urn:other"' });
      expect(wrong.manifest?.items[0]?.kind).to.equal('sco');
    });

    it('takes the first organization when the default does not exist', () => {
      const { rules, manifest } = readParts({
        organizations: items('<item identifier="I1" identifierref="R1"><title>一</title></item>').replace(
          'default="O"',
          'default="X"',
        ),
      });
      expect(rules).to.deep.equal(['manifest.default-organization']);
      expect(manifest?.items).to.have.length(1);
    });
  });

  describe('what is wrong with it, each with its line and remedy', () => {
    const cases: [string, string, string | Buffer, number | null][] = [
      ['malformed XML', 'manifest.malformed', '<manifest>\n<a></b></manifest>', 2],
      [
        'an entity bomb',
        'manifest.doctype',
        '<?xml version="1.0"?>\n<!DOCTYPE m [<!ENTITY a "aa">]><manifest>&a;</manifest>',
        2,
      ],
      ['another root', 'manifest.root', '<course/>', 1],
      ['no organization', 'manifest.organization', manifestOf({ organizations: '<organizations/>' }), 4],
      [
        'nothing to launch',
        'manifest.no-launchable-item',
        manifestOf({ organizations: items('<item identifier="I"><title>x</title></item>') }),
        4,
      ],
      [
        'a dangling reference',
        'manifest.dangling-reference',
        manifestOf({
          organizations: items('\n<item identifier="I" identifierref="R9"><title>x</title></item>'),
        }),
        5,
      ],
      [
        'a resource without href',
        'manifest.resource-without-href',
        manifestOf({
          resources: '<resources>\n<resource identifier="R1" adlcp:scormtype="sco"/></resources>',
        }),
        7,
      ],
      [
        'a duplicate item',
        'manifest.duplicate-identifier',
        manifestOf({
          organizations: items(
            '<item identifier="I" identifierref="R1"><title>x</title></item>\n<item identifier="I" identifierref="R1"><title>x</title></item>',
          ),
        }),
        5,
      ],
      [
        'a duplicate resource',
        'manifest.duplicate-identifier',
        manifestOf({ resources: `<resources>${sco('R1')}\n${sco('R1')}</resources>` }),
        7,
      ],
      [
        'an item without identifier',
        'manifest.identifier-missing',
        manifestOf({ organizations: items('<item identifierref="R1"><title>x</title></item>') }),
        4,
      ],
      [
        'a path that leads out',
        'manifest.unsafe-path',
        manifestOf({
          resources:
            '<resources><resource identifier="R1" adlcp:scormtype="sco" href="../x.html"/></resources>',
        }),
        6,
      ],
      [
        'an external address',
        'manifest.external',
        manifestOf({
          resources:
            '<resources><resource identifier="R1" adlcp:scormtype="sco" href="https://example.org/x"/></resources>',
        }),
        6,
      ],
      [
        'over-long launch data',
        'manifest.launch-data-too-long',
        manifestOf({
          organizations: items(
            `<item identifier="I" identifierref="R1"><title>x</title><adlcp:datafromlms>${'x'.repeat(4097)}</adlcp:datafromlms></item>`,
          ),
        }),
        4,
      ],
      [
        'a mastery score beyond 100',
        'manifest.mastery-score',
        manifestOf({
          organizations: items(
            '<item identifier="I" identifierref="R1"><title>x</title><adlcp:masteryscore>101</adlcp:masteryscore></item>',
          ),
        }),
        4,
      ],
      [
        'prerequisites that name nothing',
        'manifest.prerequisites-unknown',
        manifestOf({
          organizations: items(
            '<item identifier="I" identifierref="R1"><title>x</title><adlcp:prerequisites>I7</adlcp:prerequisites></item>',
          ),
        }),
        4,
      ],
      [
        'prerequisites that are no expression',
        'manifest.prerequisites-malformed',
        manifestOf({
          organizations: items(
            '<item identifier="I" identifierref="R1"><title>x</title><adlcp:prerequisites>I &amp;</adlcp:prerequisites></item>',
          ),
        }),
        4,
      ],
      [
        'a structure of a hundred levels',
        'manifest.too-deep',
        manifestOf({ organizations: items('<item identifier="I">'.repeat(120) + '</item>'.repeat(120)) }),
        4,
      ],
      [
        'a dependency that does not exist',
        'manifest.dangling-dependency',
        manifestOf({
          resources:
            '<resources><resource identifier="R1" adlcp:scormtype="sco" href="index.html"><dependency identifierref="R5"/></resource></resources>',
        }),
        6,
      ],
      [
        'a SCO that no item launches',
        'manifest.unreachable',
        manifestOf({ resources: `<resources>${sco('R1')}${sco('R2')}</resources>` }),
        6,
      ],
    ];
    for (const [what, rule, text, line] of cases)
      it(what, () => {
        const { findings } = read(text);
        const found = findings.find((each) => each.rule === rule);
        expect(found, JSON.stringify(findings.map((each) => each.rule))).to.not.equal(undefined);
        expect(found).to.deep.include({ file: 'imsmanifest.xml', line });
        for (const language of ['zh-TW', 'en'] as const) {
          expect(found?.message[language])
            .to.be.a('string')
            .and.not.match(/\{|undefined/);
          expect(found?.remedy[language])
            .to.be.a('string')
            .and.not.match(/\{|undefined/);
        }
      });

    it('a missing file, a listed one, and a wrong case with the name that there is', () => {
      const { findings } = readParts(
        {
          resources:
            '<resources><resource identifier="R1" adlcp:scormtype="sco" href="Index.html"><file href="gone.css"/></resource></resources>',
        },
        ['index.html'],
      );
      expect(findings.map(({ rule, severity }) => [rule, severity])).to.deep.equal([
        ['manifest.missing-listed-file', 'warning'],
        ['manifest.wrong-case', 'error'],
      ]);
      expect(findings[1]?.message.en).to.contain('index.html');
      expect(readParts({}, ['other.html']).rules).to.include('manifest.missing-file');
    });
  });

  it('resolves hrefs inside the package only', () => {
    expect(resolveHref(['a/', 'b/'], '../c.html?x=1')).to.deep.equal({ path: 'a/c.html', suffix: '?x=1' });
    expect(resolveHref([], 'a\\b.html')?.path).to.equal('a/b.html');
    for (const href of ['../a', 'a/../../b', '//host/x', 'x:y']) expect(resolveHref([], href)).to.equal(null);
  });

  it('joins parameters as CAM 3.4.1.5 says', () => {
    const href = { path: 'a b.html', suffix: '?x=1#f' };
    expect(withParameters(href, '?y=2')).to.equal('a%20b.html?x=1&y=2#f');
    expect(withParameters({ path: 'a.html', suffix: '' }, 'y=2')).to.equal('a.html?y=2');
    expect(withParameters({ path: 'a.html', suffix: '' }, '#g')).to.equal('a.html#g');
    expect(withParameters(href, '#g')).to.equal('a%20b.html?x=1#f');
    expect(withParameters(href, undefined)).to.equal('a%20b.html?x=1#f');
  });
});
