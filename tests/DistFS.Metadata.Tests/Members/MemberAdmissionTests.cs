using DistFS.Metadata.Members;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Members;

/// <summary>Metaservers are admitted under ids that nobody else ever has, and removed for good.</summary>
public sealed class MemberAdmissionTests
{
    private readonly Files _files = new();

    private MemberTable Members => _files.Fs.Tree.Members;

    [Fact]
    public void A_new_one_gets_an_id_above_all_that_the_leader_knows_and_the_same_when_it_asks_again()
    {
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(4UL, Admit(500, "a:1", least: 4));
        }

        Assert.Equal(5UL, Admit(501, "b:1", least: 4));
        Assert.Equal(9UL, Admit(502, "c:1", least: 9));
        Assert.Equal(10UL, Admit(503, "d:1", least: 2));

        // It may listen elsewhere meanwhile.
        Assert.Equal(4UL, Admit(500, "e:1", least: 9));
        Assert.True(Members.TryGet(new MemberId(4), out var row));
        Assert.Equal(new MemberRow(new StoreId(500), "e:1", IsRemoved: false), row);
        Assert.Equal([4UL, 5UL, 9UL, 10UL], Members.All.Select(member => member.Id.Value));
    }

    [Fact]
    public void Who_was_removed_does_not_come_back_and_leaves_its_address_but_not_its_id()
    {
        Assert.Equal(4UL, Admit(500, "a:1", least: 4));
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(FsStatus.Ok, Remove(4, 500));
        }

        Assert.Equal(FsStatus.Stale, TryAdmit(500, "a:1", least: 1));
        Assert.Equal(5UL, Admit(501, "a:1", least: 1));

        // One of the first configuration is not known before: its id is not given again either.
        Assert.Equal(FsStatus.Ok, Remove(7, 600));
        Assert.Equal(FsStatus.Stale, TryAdmit(600, "b:1", least: 1));
        Assert.Equal(8UL, Admit(601, "b:1", least: 1));
    }

    [Fact]
    public void What_is_wrong_changes_nothing()
    {
        Assert.Equal(4UL, Admit(500, "a:1", least: 4));
        Assert.Equal(FsStatus.AlreadyExists, TryAdmit(501, "a:1", least: 4));
        Assert.Equal(FsStatus.Invalid, TryAdmit(0, "b:1", least: 4));
        Assert.Equal(FsStatus.Invalid, TryAdmit(501, "", least: 4));
        Assert.Equal(FsStatus.Invalid, TryAdmit(501, new string('é', 128), least: 4));
        Assert.Equal(FsStatus.Invalid, TryAdmit(501, "b:1", least: ulong.MaxValue));
        Assert.Equal(FsStatus.Invalid, Remove(4, 501));
        Assert.Equal(FsStatus.Invalid, Remove(5, 500));
        Assert.Equal(FsStatus.Invalid, Remove(0, 700));
        Assert.Equal(FsStatus.Invalid, Remove(5, 0));
        Assert.Equal(FsStatus.Invalid, Remove(ulong.MaxValue, 700));
        var (id, row) = Assert.Single(Members.All);
        Assert.Equal((4UL, false), (id.Value, row.IsRemoved));
        Assert.Equal(5UL, Admit(501, "b:1", least: 1));
    }

    [Fact]
    public void There_are_only_so_many_and_the_removed_do_not_count()
    {
        for (ulong i = 1; i <= MemberTable.MembersMax; i++)
        {
            Assert.Equal(i, Admit(i, $"a:{i}", least: 1));
        }

        Assert.Equal(FsStatus.NoSpace, TryAdmit(99, "b:1", least: 1));
        Assert.Equal(1UL, Admit(1, "a:1", least: 1));
        Assert.Equal(FsStatus.Ok, Remove(3, 3));
        Assert.Equal(MemberTable.MembersMax + 1UL, Admit(99, "b:1", least: 1));
    }

    private FsStatus TryAdmit(ulong store, string address, ulong least) => _files.Command(new MetadataCommand
    {
        AdmitMember = new AdmitMemberRequest { Store = store, Address = address, Least = least },
    });

    private ulong Admit(ulong store, string address, ulong least)
    {
        Assert.Equal(FsStatus.Ok, TryAdmit(store, address, least));
        return _files.Reply.AdmitMember.Member;
    }

    private FsStatus Remove(ulong member, ulong store) => _files.Command(new MetadataCommand
    {
        RemoveMember = new RemoveMemberRequest { Member = member, Store = store },
    });
}
