using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Collection;

/// <summary>Sessions that are over, and inodes that nobody has any more, go in steps of bounded work.</summary>
public sealed class CollectorTests
{
    private readonly Namespace _fs = new();

    [Fact]
    public void With_an_inode_goes_all_that_it_has()
    {
        var rows = _fs.Rows().Count;
        Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, "l", InodeKind.SymbolicLink, target: "x"));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(new InodeId(_fs.Last.Inode), "trusted.a", [1]));
        var directory = _fs.Directory(InodeId.Root, "d");
        var list = Acls.AclText.Value("u::rwx,u:7:r--,g::r--,m::r--,o::---");
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(directory, "system.posix_acl_access", list));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(directory, "system.posix_acl_default", list));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(directory, "user.a", [1]));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "l"));
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "d"));
        var reply = _fs.Collect();
        Assert.Equal((4u, false), (reply.Rows, reply.More));

        // The counter of inodes is new.
        Assert.Equal(rows + 1, _fs.Rows().Count);
        _fs.Sound();
    }

    [Fact]
    public void A_session_ends_with_its_opens_and_those_of_others_stay()
    {
        var shared = _fs.File(InodeId.Root, "shared");
        var mine = _fs.File(InodeId.Root, "mine");
        Assert.Equal(FsStatus.Ok, _fs.Open(shared, 1));
        Assert.Equal(FsStatus.Ok, _fs.Open(shared, 2));
        Assert.Equal(FsStatus.Ok, _fs.Open(mine, 1));
        _fs.Client = Namespace.OtherClient;
        Assert.Equal(FsStatus.Ok, _fs.Open(shared, 1));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "shared"));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "mine"));
        Assert.Equal(FsStatus.Ok, _fs.SetXattr(mine, "user.a", [1]));
        _fs.EndSession(new ClientId(1));
        _fs.Sound();
        Assert.True(_fs.Exists(mine));
        var reply = _fs.Collect();

        // Three opens, the session, the attribute and the inode.
        Assert.Equal((6u, false), (reply.Rows, reply.More));
        Assert.Equal((false, true, 1u), (_fs.Exists(mine), _fs.Exists(shared), _fs.Row(shared).Opens));
        Assert.Equal(0, _fs.Count(RowTable.EndedSession));
        _fs.Sound();
    }

    /// <summary>No row is left, and none is left to do, of what takes a few rows only.</summary>
    [Theory]
    [InlineData(InodeKind.File)]
    [InlineData(InodeKind.SymbolicLink)]
    [InlineData(InodeKind.Fifo)]
    public void What_has_next_to_nothing_goes_at_once(InodeKind kind)
    {
        Assert.Equal(FsStatus.Ok, _fs.SetQuota(InodeId.Root, inodesMax: 10));
        _fs.File(InodeId.Root, "the counter of inodes is there");
        var rows = _fs.Rows().Rows.Select(static row => Convert.ToHexString(row.Key)).ToList();
        var quota = _fs.Quota(InodeId.Root);
        Make("unlinked");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "unlinked"));
        AssertGone();

        Make("replaced");
        Make("replacing");
        Assert.Equal(FsStatus.Ok, _fs.Rename(InodeId.Root, "replacing", InodeId.Root, "replaced"));
        Assert.Equal(FsStatus.Ok, _fs.Link(_fs.Find(InodeId.Root, "replaced")!.Value, InodeId.Root, "second"));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "replaced"));
        Assert.NotNull(_fs.Find(InodeId.Root, "second"));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, "second"));
        AssertGone();

        void Make(string name)
        {
            var target = kind == InodeKind.SymbolicLink ? "there" : "";
            Assert.Equal(FsStatus.Ok, _fs.Make(InodeId.Root, name, kind, target: target));
            if (kind == InodeKind.SymbolicLink)
            {
                return;
            }

            var list = Acls.AclText.Value("u::rwx,u:7:r--,g::r--,m::r--,o::---");
            Assert.Equal(FsStatus.Ok, _fs.SetXattr(new InodeId(_fs.Last.Inode), "system.posix_acl_access", list));
        }

        void AssertGone()
        {
            Assert.Equal(rows, _fs.Rows().Rows.Select(static row => Convert.ToHexString(row.Key)));
            Assert.Equal(quota, _fs.Quota(InodeId.Root));
            Assert.Equal((0u, false), (_fs.Collect().Rows, _fs.Collect().More));
            _fs.Sound();
        }
    }

    /// <summary>At any bound, each step does something, none does more, and the end is the same.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(1000)]
    public void Steps(int rowsMax)
    {
        var rows = _fs.Rows().Count;
        for (var i = 0; i < 6; i++)
        {
            var file = _fs.File(InodeId.Root, $"f{i}");
            for (var j = 0; j < i; j++)
            {
                Assert.Equal(FsStatus.Ok, _fs.SetXattr(file, $"user.{j}", [1]));
                Assert.Equal(FsStatus.Ok, _fs.Open(file, (ulong)j));
            }

            if (i % 2 == 0)
            {
                _fs.Flush();
            }

            Assert.Equal(FsStatus.Ok, _fs.Unlink(InodeId.Root, $"f{i}"));
        }

        _fs.EndSession(_fs.Client);
        var work = 0u;
        for (var more = true; more;)
        {
            var reply = _fs.Collect(rowsMax);
            Assert.InRange((int)reply.Rows, 1, rowsMax);
            work += reply.Rows;
            more = reply.More;
            _fs.Sound();
        }

        // 15 opens, the session, 15 attributes, 5 inodes; the first file had nothing and went at once. The session's
        // rows are gone, the counter of inodes is new.
        Assert.Equal(15u + 1 + 15 + 5, work);
        Assert.Equal(rows - 2 + 1, _fs.Rows().Count);
        Assert.Equal(0u, _fs.Collect(rowsMax).Rows);
    }
}
