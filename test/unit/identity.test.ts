import { expect } from 'chai';
import { createIdNumberVault, idNumberKind, maskIdNumber } from '../../src/identity/id-numbers.ts';
import {
  actions,
  allows,
  authorize,
  organisationFor,
  reachOf,
  roleScopes,
} from '../../src/identity/policy.ts';
import { hashPassword, passwordMatches } from '../../src/identity/passwords.ts';
import { ownPath } from '../../src/identity/routes-sign-in.ts';
import { type Person, type RoleGrant, roles } from '../../src/identity/types.ts';
import { expectedPolicy } from '../support/policy-matrix.ts';

const person = (...roles: RoleGrant[]): Person => ({
  id: 'p',
  name: 'n',
  nameEn: null,
  nickname: null,
  email: null,
  accountKind: 'local',
  hasIdNumber: false,
  agencyCode: null,
  agencyName: null,
  personnelCategory: null,
  roles,
  language: 'zh-TW',
});

/** Numbers made here by the check's own rule, of nobody: letter, second character and seven digits get their check digit. */
const withCheckDigit = (start: string): string => {
  for (let digit = 0; digit < 10; digit++) if (idNumberKind(`${start}${digit}`)) return `${start}${digit}`;
  throw new Error('no check digit');
};

describe('ID numbers (requirements, "Facts around it")', () => {
  it('knows nationals, new and old resident numbers', () => {
    expect(idNumberKind(withCheckDigit('Z1000000'.padEnd(9, '0')))).to.equal('national');
    expect(idNumberKind(withCheckDigit('Z80000000'))).to.equal('resident');
    expect(idNumberKind(withCheckDigit('ZC0000000'))).to.equal('resident-old');
  });

  it('finds exactly one check digit for any start, so a wrong one is refused', () => {
    for (const start of ['A10000001', 'O29999999', 'W80012345', 'IA1234567']) {
      const right = Array.from({ length: 10 }, (_, d) => idNumberKind(`${start}${d}`)).filter(Boolean);
      expect(right, start).to.have.length(1);
    }
  });

  it('refuses what does not have the form', () => {
    for (const wrong of ['', 'A3', 'A323456789', '1123456789', 'AE12345678', 'A12345678', 'Ａ123'])
      expect(idNumberKind(wrong), wrong).to.equal(null);
  });

  it('seals with a fresh nonce, opens again, and finds by a keyed hash', () => {
    const vault = createIdNumberVault(Buffer.alloc(32, 7));
    const number = withCheckDigit('Z10000000');
    const [one, two] = [vault.seal(number), vault.seal(` ${number.toLowerCase()} `)];
    expect(one.sealed).to.not.equal(two.sealed);
    expect(one.lookup).to.equal(two.lookup).and.to.equal(vault.lookup(number));
    expect(JSON.stringify(one)).to.not.include(number);
    expect(vault.open(two)).to.equal(number);
    expect(createIdNumberVault(Buffer.alloc(32, 8)).lookup(number)).to.not.equal(one.lookup);
    expect(() => createIdNumberVault(Buffer.alloc(32, 8)).open(one)).to.throw();
  });

  it('does not repeat a refused number in its message, and masks a shown one', () => {
    expect(() => createIdNumberVault(Buffer.alloc(32)).seal('Z999999999'))
      .to.throw()
      .with.property('message')
      .that.does.not.include('Z9999');
    expect(maskIdNumber('Z100000001')).to.equal('Z******001');
  });
});

describe('passwords', () => {
  it('match their own hash only, whatever the normal form of the characters', async () => {
    const kept = await hashPassword('密碼é1');
    expect(await passwordMatches('密碼é1'.normalize('NFD'), kept)).to.equal(true);
    expect(await passwordMatches('密碼e1', kept)).to.equal(false);
    expect(await passwordMatches('密碼é1', 'nonsense')).to.equal(false);
  });
});

describe('policy', () => {
  it('lets a guest do nothing', () => {
    for (const action of actions) expect(allows(null, action), action).to.equal(false);
    expect(() => authorize(null, 'course.take'))
      .to.throw()
      .with.property('kind', 'unauthenticated');
  });

  it('keeps a vendor within its own organisation', () => {
    const vendor = person({ role: 'vendor', organisation: 'A' });
    expect(allows(vendor, 'course.edit')).to.equal(true);
    expect(allows(vendor, 'course.edit', { organisation: 'A' })).to.equal(true);
    expect(allows(vendor, 'course.edit', { organisation: 'B' })).to.equal(false);
    expect(allows(vendor, 'lrs.browse')).to.equal(false);
    expect(() => authorize(vendor, 'course.edit', { organisation: 'B' }))
      .to.throw()
      .with.property('kind', 'forbidden');
  });

  it('lets each role do what stands in the table written down here, and nothing else', () => {
    expect(actions.toSorted()).to.deep.equal(Object.keys(expectedPolicy).toSorted());
    for (const role of roles)
      for (const action of actions) {
        const held = roleScopes[role] === null ? null : 'X';
        const may = person({ role, organisation: held });
        const scope = expectedPolicy[action][role];
        const said = `${role} ${action}`;
        expect(allows(may, action), said).to.equal(scope !== undefined);
        const own = { organisation: 'X', agencies: ['Y', 'X', 'W'] };
        const other = { organisation: 'Y', agencies: ['Y', 'W'] };
        expect(allows(may, action, own), said).to.equal(scope !== undefined);
        expect(allows(may, action, other), said).to.equal(scope === 'all');
        expect(allows(may, action, {}), said).to.equal(scope === 'all');
      }
  });

  it('lets a role that is held for something, but not said for what, reach nothing', () => {
    for (const role of roles.filter((each) => roleScopes[each] !== null))
      expect(
        actions.filter((action) => allows(person({ role, organisation: null }), action)),
        role,
      ).to.deep.equal(['course.take']);
  });

  it('says how far a person reaches', () => {
    const officer = person({ role: 'hr', organisation: 'A' }, { role: 'hr', organisation: 'B' });
    expect(reachOf(officer, 'record.read')).to.deep.equal(['A', 'B']);
    expect(reachOf(officer, 'course.edit')).to.deep.equal([]);
    expect(reachOf(person({ role: 'support', organisation: null }), 'record.read')).to.equal('all');
    expect(organisationFor(officer, 'credits.confirm')).to.equal('A');
  });
});

describe('the way back after sign-in', () => {
  it('is a path of our own, or home', () => {
    expect(ownPath('/courses/ZX1?a=1')).to.equal('/courses/ZX1?a=1');
    for (const evil of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      '/ /evil',
      '/\t/evil.example',
      'x',
      null,
      ['/'],
    ])
      expect(ownPath(evil), String(evil)).to.equal('/');
  });
});
