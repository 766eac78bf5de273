import { expect } from 'chai';
import { readManifest } from '../../src/player/packages/manifest.ts';
import type { PackageItem } from '../../src/player/types.ts';

const read = (text: string | Buffer, files: string[]) => {
  const { manifest, findings } = readManifest(Buffer.from(text as string), new Set(files));
  return { manifest, findings, rules: findings.map(({ rule }) => rule) };
};
const ns12 =
  'xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.imsproject.org/xsd/imscp_rootv1p1p2 imscp_rootv1p1p2.xsd http://www.adlnet.org/xsd/adlcp_rootv1p2 adlcp_rootv1p2.xsd"';
const ns2004 =
  'xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3" xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3" xmlns:adlnav="http://www.adlnet.org/xsd/adlnav_v1p3" xmlns:imsss="http://www.imsglobal.org/xsd/imsss"';
const shape = (items: PackageItem[] = []): unknown[] =>
  items.map(({ identifier, href, kind, children }) =>
    children.length > 0 ? [identifier, kind, shape(children)] : [identifier, kind, href],
  );

describe('manifests nested in a manifest (SCORM 1.2 CAM 2.3.2.1, IMS Content Packaging 1.1.2)', () => {
  const nested = (inner: string, items: string): string => `<?xml version="1.0"?>
<manifest identifier="OUTER" ${ns12} xml:base="course/">
<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion></metadata>
<organizations default="O"><organization identifier="O"><title>森林</title>${items}</organization></organizations>
<resources><resource identifier="R0" type="webcontent" adlcp:scormtype="sco" href="start.html"/></resources>
${inner}
</manifest>`;
  const trees = (more = ''): string => `<manifest identifier="TREES" xml:base="trees/">
<metadata/>
<organizations default="T"><organization identifier="T"><title>樹木</title>
<item identifier="T1" identifierref="RT1"><title>樟樹</title></item>
<item identifier="T2" identifierref="RT2"><title>榕樹</title>${more}</item></organization></organizations>
<resources><resource identifier="RT1" type="webcontent" adlcp:scormtype="sco" href="camphor.html"/>
<resource identifier="RT2" type="webcontent" adlcp:scormtype="asset" href="banyan.html"/></resources></manifest>`;
  const files = ['course/start.html', 'course/trees/camphor.html', 'course/trees/banyan.html'];

  it('an item that refers to a nested manifest holds its organization, with the bases of both', () => {
    const { manifest, rules } = read(
      nested(
        trees(),
        '<item identifier="I0" identifierref="R0"><title>開始</title></item><item identifier="I1" identifierref="TREES"/>',
      ),
      files,
    );
    expect(rules).to.deep.equal([]);
    expect(shape(manifest?.items)).to.deep.equal([
      ['I0', 'sco', 'course/start.html'],
      [
        'I1',
        'cluster',
        [
          ['T1', 'sco', 'course/trees/camphor.html'],
          ['T2', 'asset', 'course/trees/banyan.html'],
        ],
      ],
    ]);
    expect(manifest?.items[1]?.title).to.equal('樹木');
  });

  it('an item may refer to a resource of a nested manifest; nesting may go on', () => {
    const { manifest, rules } = read(
      nested(
        `<manifest identifier="MIDDLE"><organizations/><resources/>${trees()}</manifest>`,
        '<item identifier="I0" identifierref="R0"><title>開始</title></item><item identifier="I1" identifierref="RT1"><title>樟</title></item><item identifier="I2" identifierref="RT2"><title>榕</title></item>',
      ),
      files,
    );
    expect(rules).to.deep.equal([]);
    expect(shape(manifest?.items)).to.deep.equal([
      ['I0', 'sco', 'course/start.html'],
      ['I1', 'sco', 'course/trees/camphor.html'],
      ['I2', 'asset', 'course/trees/banyan.html'],
    ]);
  });

  it('a package that has no organization of its own is the first one inside', () => {
    const text = nested(trees(), '').replace(
      /<organizations default="O">.*?<\/organizations>\n<resources>.*?<\/resources>/s,
      '<organizations/><resources/>',
    );
    const { manifest, rules } = read(text, files);
    expect(rules).to.deep.equal([]);
    expect(manifest?.title).to.equal('樹木');
    expect(manifest?.items).to.have.length(2);
  });

  it('a nested manifest that holds itself is refused; missing files and doubled identifiers inside are found', () => {
    const circular = read(
      nested(
        trees('<item identifier="T3" identifierref="TREES"><title>又來</title></item>'),
        '<item identifier="I1" identifierref="TREES"><title>樹</title></item><item identifier="I0" identifierref="R0"><title>開始</title></item>',
      ),
      files,
    );
    expect(circular.rules).to.deep.equal(['manifest.circular']);
    const faulty = read(
      nested(
        trees() + trees().replaceAll('RT', 'RS'),
        '<item identifier="I1" identifierref="TREES"><title>樹</title></item>',
      ),
      ['course/start.html', 'course/trees/camphor.html'],
    );
    expect(faulty.rules).to.include.members(['manifest.missing-file', 'manifest.duplicate-identifier']);
  });
});

describe('manifests as authoring tools export them', () => {
  it('Articulate Storyline and Rise: driver page in a folder, metadata beside, schemas named and not there', () => {
    const { manifest, rules } = read(
      `<?xml version="1.0" standalone="no" ?>
<manifest identifier="_5xT" version="1" ${ns12}>
<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion><adlcp:location>metadata.xml</adlcp:location></metadata>
<organizations default="articulate_rise"><organization identifier="articulate_rise"><title>資訊安全</title>
<item identifier="i1" identifierref="r1" isvisible="true"><title>資訊安全</title><adlcp:masteryscore></adlcp:masteryscore></item></organization></organizations>
<resources><resource identifier="r1" type="webcontent" adlcp:scormtype="sco" href="scormdriver/indexAPI.html">
<file href="scormdriver/indexAPI.html" /><file href="scormcontent/lib/main bundle.js" /></resource></resources></manifest>`,
      ['scormdriver/indexAPI.html', 'scormcontent/lib/main bundle.js', 'metadata.xml'],
    );
    expect(rules).to.deep.equal([]);
    expect(manifest).to.include({ standard: 'scorm-1.2', metadataLocation: 'metadata.xml' });
    expect(shape(manifest?.items)).to.deep.equal([['i1', 'sco', 'scormdriver/indexAPI.html']]);
  });

  it("Captivate: scormType in SCORM 1.2, empty launch data, a file's name in another case on its list", () => {
    const { manifest, rules } = read(
      `<?xml version="1.0" encoding="utf-8" ?>
<manifest identifier="Course_ID1" version="1.2" ${ns12}>
<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion></metadata>
<organizations default="Course_ID1_ORG"><organization identifier="Course_ID1_ORG"><title>消防</title>
<item identifier="SCO_ID1" isvisible="true" identifierref="SCO_ID1_RES" parameters=""><title>消防</title>
<adlcp:prerequisites type="aicc_script"/><adlcp:maxtimeallowed/><adlcp:timelimitaction/><adlcp:datafromlms/><adlcp:masteryscore>80</adlcp:masteryscore></item></organization></organizations>
<resources><resource identifier="SCO_ID1_RES" type="webcontent" adlcp:scormType="sco" href="index_scorm.html"><file href="index_scorm.html"/><file href="Assets/Player.js"/></resource></resources></manifest>`,
      ['index_scorm.html', 'assets/player.js'],
    );
    expect(rules).to.deep.equal(['manifest.listed-wrong-case']);
    expect(manifest?.items[0]).to.deep.equal({
      identifier: 'SCO_ID1',
      title: '消防',
      visible: true,
      href: 'index_scorm.html',
      kind: 'sco',
      masteryScore: 80,
      children: [],
    });
  });

  it('iSpring: SCORM 2004 3rd Edition with identifiers of its own and a threshold as text', () => {
    const { manifest, rules } = read(
      `<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="ispring://presentations/11-22" version="1" ${ns2004}>
<metadata><schema>ADL SCORM</schema><schemaversion>2004 3rd Edition</schemaversion></metadata>
<organizations default="ORG-1"><organization identifier="ORG-1" adlseq:objectivesGlobalToSystem="false"><title>急救</title>
<item identifier="ITEM-1" identifierref="RES-1"><title>急救</title><adlcp:completionThreshold>0.8</adlcp:completionThreshold>
<imsss:sequencing><imsss:objectives><imsss:primaryObjective objectiveID="PRIMARY" satisfiedByMeasure="true"><imsss:minNormalizedMeasure>0.7</imsss:minNormalizedMeasure></imsss:primaryObjective></imsss:objectives>
<imsss:deliveryControls completionSetByContent="true" objectiveSetByContent="true"/></imsss:sequencing></item></organization></organizations>
<resources><resource identifier="RES-1" type="webcontent" adlcp:scormType="sco" href="res/index.html"><file href="res/index.html"/></resource></resources></manifest>`,
      ['res/index.html'],
    );
    expect(rules).to.deep.equal([]);
    expect(manifest).to.include({ edition: '2004 3rd Edition' });
    expect(manifest?.items[0]?.completionThreshold).to.deep.include({
      completedByMeasure: true,
      minProgressMeasure: 0.8,
    });
  });

  it('Lectora: one SCO a chapter, backslashes, a file whose very name is escaped', () => {
    const { manifest, rules } = read(
      `<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="lectora_title" version="1.0" ${ns12}>
<metadata><schema>ADL SCORM</schema><schemaversion>SCORM 1.2</schemaversion></metadata>
<organizations default="A001"><organization identifier="A001" structure="hierarchical"><title>採購法</title>
<item identifier="C1"><title>第一章</title><item identifier="A002" identifierref="R_A002" isvisible="true"><title>總則</title></item>
<item identifier="A003" identifierref="R_A003" isvisible="true"><title>招標</title><adlcp:prerequisites type="aicc_script">A002</adlcp:prerequisites></item></item></organization></organizations>
<resources><resource identifier="R_A002" type="webcontent" adlcp:scormtype="sco" href="chapter1\\a002.html"/>
<resource identifier="R_A003" type="webcontent" adlcp:scormtype="sco" href="chapter1/a%20003.html"/></resources></manifest>`,
      ['chapter1/a002.html', 'chapter1/a%20003.html'],
    );
    expect(rules).to.deep.equal([]);
    expect(shape(manifest?.items)).to.deep.equal([
      [
        'C1',
        'cluster',
        [
          ['A002', 'sco', 'chapter1/a002.html'],
          ['A003', 'sco', 'chapter1/a%2520003.html'],
        ],
      ],
    ]);
  });

  it('eXeLearning: pages in pages that launch themselves, common files as a dependency', () => {
    const { manifest, rules } = read(
      `<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="eXe-MANIFEST-1" ${ns12} xmlns:imsmd="http://www.imsglobal.org/xsd/imsmd_v1p2">
<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion><adlcp:location>imslrm.xml</adlcp:location></metadata>
<organizations default="eXe-1"><organization identifier="eXe-1" structure="hierarchical"><title>水土保持</title>
<item identifier="ITEM-1" isvisible="true" identifierref="RES-1"><title>首頁</title>
<item identifier="ITEM-2" isvisible="true" identifierref="RES-2"><title>&lt;坡地&gt;</title></item></item></organization></organizations>
<resources><resource identifier="RES-1" type="webcontent" adlcp:scormtype="sco" href="index.html"><file href="index.html"/><dependency identifierref="COMMON_FILES"/></resource>
<resource identifier="RES-2" type="webcontent" adlcp:scormtype="sco" href="html/slope.html"><file href="html/slope.html"/><dependency identifierref="COMMON_FILES"/></resource>
<resource identifier="COMMON_FILES" type="webcontent" adlcp:scormtype="asset"><file href="libs/common.js"/></resource></resources></manifest>`,
      ['index.html', 'html/slope.html', 'libs/common.js', 'imslrm.xml'],
    );
    expect(rules).to.deep.equal([]);
    expect(shape(manifest?.items)).to.deep.equal([['ITEM-1', 'sco', [['ITEM-2', 'sco', 'html/slope.html']]]]);
    expect(manifest?.items[0]?.href).to.equal('index.html');
    expect(manifest?.items[0]?.children[0]?.title).to.equal('<坡地>');
  });

  it('H5P exports: SCORM 1.2 with the namespaces of 2004, said to be UTF-16 and saved as UTF-8', () => {
    const { manifest, rules } = read(
      `<?xml version="1.0" encoding="utf-16"?>
<manifest identifier="h5p" version="1.0" ${ns2004}>
<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion></metadata>
<organizations default="h5p_org"><organization identifier="h5p_org"><title>互動影片</title><item identifier="item_1" identifierref="resource_1"><title>互動影片</title></item></organization></organizations>
<resources><resource identifier="resource_1" type="webcontent" href="index.html" adlcp:scormtype="SCO"><file href="index.html"/></resource></resources></manifest>`,
      ['index.html'],
    );
    expect(rules).to.deep.equal([]);
    expect(manifest).to.include({ standard: 'scorm-1.2', title: '互動影片' });
    expect(manifest?.items[0]?.kind).to.equal('sco');
  });
});
