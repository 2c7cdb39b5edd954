using DistFS.Metadata.Fsck;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Fsck;

/// <summary>Each thing that can be wrong with a tree is found, and a sound one is not accused.</summary>
public sealed class TreeCheckTests
{
    private readonly Namespace _fs = new();
    private readonly InodeId _a;
    private readonly InodeId _b;
    private readonly InodeId _file;

    public TreeCheckTests()
    {
        _a = _fs.Directory(InodeId.Root, "a");
        _b = _fs.Directory(_a, "b");
        _file = _fs.File(_b, "f");
        _fs.File(_b, "gone");
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_b, "gone"));
        Assert.Empty(TreeCheck.Run(_fs.Rows(), 7));
    }

    [Fact]
    public void A_wrong_number_of_names() => Finds("names, and has", () =>
        _fs.Tree.Put(_file, _fs.Row(_file) with { Links = 2 }));

    [Fact]
    public void A_wrong_number_of_entries() => Finds("and has 1 names", () =>
        _fs.Tree.Put(_b, _fs.Row(_b) with { Entries = 5 }));

    [Fact]
    public void A_wrong_number_of_subdirectories() => Finds("subdirectories", () =>
        _fs.Tree.Put(_a, _fs.Row(_a) with { Links = 2 }));

    [Fact]
    public void A_wrong_parent() => Finds("says that it is in", () =>
        _fs.Tree.Put(_b, _fs.Row(_b) with { Parent = InodeId.Root }));

    [Fact]
    public void A_directory_below_itself() => Finds("not below the root", () =>
        _fs.Tree.Put(_a, _fs.Row(_a) with { Parent = _b }));

    [Fact]
    public void A_directory_with_two_names() => Finds("has 2 names", () =>
        _fs.Tree.PutName(_b, "again"u8, new DentryRow(_a, InodeKind.Directory)));

    [Fact]
    public void A_name_without_an_inode() => Finds("which is not there", () => _fs.Tree.Remove(_file));

    [Fact]
    public void A_name_of_another_kind() => Finds("which is a File", () =>
        _fs.Tree.PutName(_b, "f"u8, new DentryRow(_file, InodeKind.Fifo)));

    [Fact]
    public void An_inode_without_a_name_that_is_no_orphan() => Finds("is no orphan", () =>
    {
        _fs.Tree.RemoveName(_b, "f"u8);
        _fs.Tree.Put(_file, _fs.Row(_file) with { Links = 0 });
        _fs.Tree.Put(_b, _fs.Row(_b) with { Entries = 0 });
    });

    [Fact]
    public void An_orphan_that_has_a_name() => Finds("is an orphan", () => _fs.Tree.PutOrphan(_file));

    [Fact]
    public void An_orphan_that_is_not_there() => Finds("is not there", () => _fs.Tree.PutOrphan(new InodeId(99)));

    [Fact]
    public void An_open_that_the_inode_does_not_count() => Finds("is 1 times", () =>
        _fs.Tree.PutOpen(_file, new ClientId(1), 5, Access.Read));

    [Fact]
    public void An_open_that_is_not_there() => Finds("is 0 times", () =>
        _fs.Tree.Put(_file, _fs.Row(_file) with { Opens = 1 }));

    [Fact]
    public void An_open_of_no_session() => Finds("is no session", () =>
    {
        _fs.Tree.PutOpen(_file, new ClientId(77), 5, Access.Read);
        _fs.Tree.Put(_file, _fs.Row(_file) with { Opens = 1 });
    });

    [Theory]
    [InlineData(RowTable.Open, "which does not know of it")]
    [InlineData(RowTable.SessionOpen, "which does not know of it")]
    public void Half_an_open(RowTable half, string text)
    {
        Assert.Equal(FsStatus.Ok, _fs.Open(_file, 5));
        var row = Assert.Single(_fs.Rows().Rows, row => row.Key[0] == (byte)half);
        _fs.Store.Write([KeyValuePair.Create(row.Key, (byte[]?)null)]);
        Finds(text, () => { });
    }

    [Fact]
    public void An_attribute_that_the_inode_does_not_count() => Finds("bytes, and they have 7", () =>
        _fs.Tree.PutXattr(_file, "user.a"u8, []));

    [Fact]
    public void A_list_that_is_not_there() => Finds("of lists it has None", () =>
        _fs.Tree.Put(_file, _fs.Row(_file) with { Flags = InodeFlags.AccessAcl }));

    [Fact]
    public void An_attribute_of_nothing() => Finds("which is not", () =>
        _fs.Tree.PutXattr(new InodeId(99), "user.a"u8, []));

    [Fact]
    public void Something_in_the_trash_that_does_not_say_so() => Finds("is no orphan", () =>
    {
        Trash();
        _fs.Tree.Put(_file, _fs.Row(_file) with { Flags = InodeFlags.None });
    });

    [Fact]
    public void Something_that_says_it_is_in_the_trash_and_has_a_name() => Finds("and is not", () =>
        _fs.Tree.Put(_file, _fs.Row(_file) with { Flags = InodeFlags.Trashed }));

    [Theory]
    [InlineData(RowTable.Trash)]
    [InlineData(RowTable.TrashEntry)]
    public void Half_of_something_in_the_trash(RowTable half)
    {
        Trash();
        var row = Assert.Single(_fs.Rows().Rows, row => row.Key[0] == (byte)half);
        _fs.Store.Write([KeyValuePair.Create(row.Key, (byte[]?)null)]);
        Finds("says that it is in the trash, and is not", () => { });
    }

    [Fact]
    public void Rows_of_the_trash_of_nothing() => Finds("inodes are in it", () =>
        _fs.Tree.PutTrash(_a, _file, new(5, _fs.Now, 0, "f"u8.ToArray())));

    [Fact]
    public void A_time_to_keep_things_that_nobody_says() => Finds("is not said", () =>
        _fs.Tree.Put(_a, _fs.Row(_a) with { Flags = InodeFlags.Retention }));

    [Fact]
    public void A_time_to_keep_things_that_is_not_counted() => Finds("and 1 do", () =>
    {
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(_a, 5));
        var count = _fs.Rows().Rows.Single(row => row.Key is [(byte)'M', (byte)'r', ..]);
        _fs.Store.Write([KeyValuePair.Create(count.Key, (byte[]?)null)]);
    });

    [Fact]
    public void What_a_session_has_and_does_not_say() =>
        Finds("and says that it has none", () =>
        {
            Assert.Equal(FsStatus.Ok, _fs.Open(_file, 5));
            _fs.Tree.ChangeUse(_fs.Client, -1, 0);
        });

    [Fact]
    public void What_a_session_says_and_has_not() =>
        Finds("says 3 opens and 1 locks, and has 0 and 0", () => _fs.Tree.ChangeUse(_fs.Client, 3, 1));

    [Theory]
    [InlineData(RowTable.Session, "sessions which are no more")]
    [InlineData(RowTable.SessionNonce, "the call that opened k1 is not known")]
    public void Half_a_session(RowTable half, string text) => Finds(text, () =>
    {
        var row = _fs.Rows().Rows.First(row => row.Key[0] == (byte)half);
        _fs.Store.Write([KeyValuePair.Create(row.Key, (byte[]?)null)]);
    });

    [Fact]
    public void A_session_that_is_over_and_there() =>
        Finds("k1 is a session, and one that is over", () => _fs.Tree.PutEnded(_fs.Client));

    private void Trash()
    {
        Assert.Equal(FsStatus.Ok, _fs.SetRetention(InodeId.Root, 100));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(_b, "f"));
        _fs.Sound();
    }

    private void Finds(string text, Action harm)
    {
        harm();
        _fs.Keep();
        Assert.Contains(TreeCheck.Run(_fs.Rows(), 7), line => line.Contains(text, StringComparison.Ordinal));
    }
}
