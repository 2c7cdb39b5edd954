using DistFS.Metadata.Leases;
using Google.Protobuf;
using Need = DistFS.Metadata.Leases.LeaseNeedKind;

namespace DistFS.Metadata.Tests.Leases;

/// <summary>What each operation needs.</summary>
public sealed class LeaseRulesTests
{
    private static readonly ByteString A = ByteString.CopyFromUtf8("a");
    private static readonly ByteString B = ByteString.CopyFromUtf8("b");

    private readonly Namespace _fs = new();
    private readonly LeaseTicket _ticket = new(LeaseTicketKind.Operation, new ClientId(1));

    /// <summary>A new operation gets a line in the table: nobody's cache may go stale behind its back.</summary>
    [Fact]
    public void Every_operation_has_a_line()
    {
        var rules = new LeaseRules(_ticket);
        foreach (var field in Operation.Descriptor.Oneofs.Single().Fields)
        {
            var operation = new Operation();
            field.Accessor.SetValue(operation, field.MessageType.Parser.ParseFrom([]));
            Assert.True(rules.Add(operation, false), $"LeaseRules has no line for {field.Name}");
        }

        Assert.False(rules.Add(new Operation(), false));
    }

    [Fact]
    public void Who_unlinks_changes_the_directory_and_what_the_name_stands_for()
    {
        var file = _fs.File(InodeId.Root, "a");
        var rules = Of(new Operation { Unlink = new UnlinkRequest { Parent = 1, Name = A } });
        Assert.Equal([(Need.Change, 1UL)], Inodes());
        Assert.Single(_ticket.Needs, need => need.Kind == Need.Name);
        Assert.Equal([new LeaseNeed(Need.Change, file.Value)], Resolved(rules));
    }

    [Fact]
    public void A_rename_changes_both_directories_and_both_inodes()
    {
        var directory = _fs.Directory(InodeId.Root, "d");
        var (one, other) = (_fs.File(InodeId.Root, "a"), _fs.File(directory, "b"));
        var rules = Of(new Operation
        {
            Rename = new RenameRequest { FromParent = 1, FromName = A, ToParent = directory.Value, ToName = B },
        });
        Assert.Equal([(Need.Change, 1UL), (Need.Change, directory.Value)], Inodes());
        Assert.Equal(
            [new LeaseNeed(Need.Change, one.Value), new LeaseNeed(Need.Change, other.Value)], Resolved(rules));
    }

    [Fact]
    public void What_is_made_is_new_unless_it_may_exist()
    {
        var file = _fs.File(InodeId.Root, "a");
        var make = new Operation { Make = new MakeRequest { Parent = 1, Name = A } };
        Assert.False(Of(make).HasNames);
        make.Make.OrExisting = true;
        Assert.Equal([new LeaseNeed(Need.Look, file.Value)], Resolved(Of(make)));

        // What follows may change it.
        Assert.Equal([new LeaseNeed(Need.Change, file.Value)], Resolved(Of(make, SetSize(InodeId.ToldBy(0).Value))));
    }

    /// <summary>Where something goes back to need not be said: it stands in the trash.</summary>
    [Fact]
    public void What_is_restored_changes_where_it_comes_back()
    {
        var (was, now) = (_fs.Directory(InodeId.Root, "d"), _fs.Directory(InodeId.Root, "e"));
        var file = _fs.File(was, "a");
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(InodeId.Root, 3_600));
        var restore = new Operation { Restore = new RestoreRequest { Inode = file.Value } };
        Assert.Empty(Resolved(Of(restore)));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(was, "a"));
        var back = Resolved(Of(restore));
        Assert.Equal([(Need.Change, file.Value)], Inodes());
        Assert.Equal(new LeaseNeed(Need.Change, was.Value), back[0]);

        // The same name as that of somebody who makes it meanwhile.
        Of(new Operation { Make = new MakeRequest { Parent = was.Value, Name = A } });
        Assert.Equal(back[1], Assert.Single(_ticket.Needs, need => need.Kind == Need.Name));
        restore.Restore.Parent = now.Value;
        Assert.Equal(new LeaseNeed(Need.Change, now.Value), Resolved(Of(restore))[0]);
    }

    [Fact]
    public void Back_references_are_what_they_stand_for()
    {
        Of(
            new Operation { Open = new OpenRequest { Inode = 7 } },
            SetSize(InodeId.ToldBy(0).Value),
            new Operation { Make = new MakeRequest { Parent = 1, Name = A } },
            SetSize(InodeId.ToldBy(2).Value),
            SetSize(InodeId.ToldBy(1).Value),
            SetSize(InodeId.ToldBy(77).Value));
        Assert.Equal([(Need.Change, 7UL), (Need.Change, 1UL)], Inodes());
    }

    [Fact]
    public void Many_needs_of_one_inode_are_one()
    {
        Of([.. Enumerable.Range(0, 1000).Select(i => new Operation
        {
            Make = new MakeRequest { Parent = 1, Name = ByteString.CopyFromUtf8($"{i % 500}") },
        })]);
        Assert.Equal(501, _ticket.Needs.Count);
        Assert.True(_ticket.Covers(new LeaseNeed(Need.Look, 1)));
        Assert.False(_ticket.Covers(new LeaseNeed(Need.Look, 2)));
    }

    private static Operation SetSize(ulong inode) => new() { SetSize = new SetSizeRequest { Inode = inode } };

    private LeaseRules Of(params Operation[] operations)
    {
        _ticket.Clear();
        var rules = new LeaseRules(_ticket);
        rules.Add(new MutateRequest { Operations = { operations } });
        return rules;
    }

    private List<(Need, ulong)> Inodes() =>
        [.. _ticket.Needs.Where(need => need.Kind != Need.Name).Select(need => (need.Kind, need.Value))];

    private List<LeaseNeed> Resolved(LeaseRules rules)
    {
        var needs = new List<LeaseNeed>();
        rules.Resolve(_fs.Tree, needs);
        return needs;
    }
}
