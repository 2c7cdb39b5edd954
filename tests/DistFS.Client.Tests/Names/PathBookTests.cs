using System.Text;
using DistFS.Client.Leases;
using DistFS.Client.Names;

namespace DistFS.Client.Tests.Names;

/// <summary>What is known of paths under leases, event by event.</summary>
public sealed class PathBookTests
{
    private static readonly InodeId Folder = new(10);
    private static readonly InodeId Leaf = new(11);
    private static readonly InodeId Link = new(12);

    private readonly HashSet<InodeId> _leased = [];
    private readonly List<(InodeId Inode, ulong Ask)> _wanted = [];
    private PathBook _book = new(1_000);
    private long _nowMs = 1_000;

    [Fact]
    public void What_is_looked_at_once_is_not_worth_a_lease()
    {
        Look();
        Assert.Empty(_wanted);
        _nowMs += 10_000;
        Look();
        Assert.Empty(_wanted);
        _nowMs += 9_999;
        Look();
        Assert.Equal([InodeId.Root, Folder, Leaf], _wanted.Select(static one => one.Inode));
        Look();
        Assert.Equal(3, _wanted.Count);
    }

    [Fact]
    public void Under_leases_all_of_a_path_is_known()
    {
        Grant();
        Assert.Null(Walk("folder", "leaf").Status);
        Look();
        var (status, steps) = Walk("folder", "leaf");
        Assert.Equal(FsStatus.Ok, status);
        Assert.Equal([Folder, Leaf], steps.Select(static one => one.Inode));
        Assert.Equal(5, steps[^1].Status!.Size);
    }

    /// <summary>It may have been read before somebody changed it, who did not have to wait for a lease then.</summary>
    [Fact]
    public void What_was_asked_for_before_a_lease_was_granted_is_not_known()
    {
        Look();
        Look();
        var begun = _book.Begin();
        Answer();
        Learn(begun);
        Assert.Null(Walk("folder", "leaf").Status);
        Learn(_book.Begin());
        Assert.Equal(FsStatus.Ok, Walk("folder", "leaf").Status);
    }

    [Fact]
    public void The_attributes_that_come_with_a_lease_are_those_under_it()
    {
        Look();
        Look();
        Answer(File(Leaf, size: 7));
        Assert.Equal(7, _book.StatusOf(Leaf, _leased.Contains)!.Size);
    }

    [Fact]
    public void That_there_is_no_such_name_is_known_too()
    {
        Grant();
        LookInVain();
        var (status, steps) = Walk("folder", "none", "below");
        Assert.Equal(FsStatus.NotFound, status);
        Assert.Equal([Folder], steps.Select(static one => one.Inode));
    }

    [Theory]
    [InlineData(FsStatus.AccessDenied)]
    [InlineData(FsStatus.NotADirectory)]
    public void Other_refusals_are_not_known(FsStatus refusal)
    {
        Grant();
        _book.Learn(
            _book.Begin(), InodeId.Root, Names("folder", "none"), [Directory(Folder)], refusal, true, _nowMs, _wanted);
        Assert.Null(Walk("folder", "none").Status);
    }

    [Fact]
    public void What_others_want_is_forgotten_and_not_asked_for_at_once()
    {
        Grant();
        Look();
        _leased.Remove(Folder);
        _book.Forget(Folder, _nowMs);
        var (status, steps) = Walk("folder", "leaf");
        Assert.Null(status);
        Assert.Equal([Folder], steps.Select(static one => one.Inode));
        _wanted.Clear();
        Look();
        _nowMs += 1_999;
        Look();
        Assert.Empty(_wanted);
        _nowMs += 1;
        Look();
        Assert.Equal([Folder], _wanted.Select(static one => one.Inode));
    }

    /// <summary>The answer to what was asked for before is of a lease that is gone.</summary>
    [Fact]
    public void A_lease_that_was_recalled_before_it_was_known_is_not_used()
    {
        Look();
        Look();
        var (_, ask) = _wanted.Single(static one => one.Inode == Leaf);
        _book.Forget(Leaf, _nowMs);
        Assert.False(_book.Answered(Leaf, ask, LeaseMode.Read, File(Leaf, 5), _nowMs));
        _nowMs += 2_000;
        _wanted.Clear();
        Look();
        var (_, again) = _wanted.Single(static one => one.Inode == Leaf);
        Assert.False(_book.Answered(Leaf, ask, LeaseMode.Read, File(Leaf, 5), _nowMs));
        _leased.Add(Leaf);
        Assert.True(_book.Answered(Leaf, again, LeaseMode.Read, File(Leaf, 6), _nowMs));
        Assert.Equal(6, _book.StatusOf(Leaf, _leased.Contains)!.Size);
    }

    [Fact]
    public void What_was_refused_is_asked_for_again_after_a_while()
    {
        Look();
        Look();
        foreach (var (inode, ask) in _wanted)
        {
            Assert.True(_book.Answered(inode, ask, LeaseMode.None, null, _nowMs));
        }

        _wanted.Clear();
        Look();
        Assert.Empty(_wanted);
        _nowMs += 2_000;
        Look();
        Assert.Equal(3, _wanted.Count);
    }

    [Fact]
    public void A_lease_that_is_not_believed_any_more_is_none()
    {
        Grant();
        Look();
        _leased.Clear();
        Assert.Null(Walk("folder", "leaf").Status);
        Assert.Null(_book.StatusOf(Leaf, _leased.Contains));

        // That it is believed again does not bring back what was known.
        _leased.UnionWith([InodeId.Root, Folder, Leaf]);
        Assert.Null(Walk("folder", "leaf").Status);
    }

    [Fact]
    public void With_the_session_everything_is_forgotten()
    {
        Grant();
        Look();
        _book.ForgetAll();
        Assert.Null(Walk("folder").Status);
        Assert.Equal(0, _book.Count);
    }

    [Fact]
    public void A_walk_ends_at_a_link_which_the_caller_follows()
    {
        Grant();
        var link = File(Link, 3) with { Kind = FileKind.SymbolicLink };
        var names = Names("folder", "link", "x");
        _book.Learn(
            _book.Begin(),
            InodeId.Root,
            names,
            [Directory(Folder), link],
            FsStatus.NotADirectory,
            true,
            _nowMs,
            _wanted);
        var (status, steps) = Walk("folder", "link", "x");
        Assert.Equal(FsStatus.Ok, status);
        Assert.Equal([FileKind.Directory, FileKind.SymbolicLink], steps.Select(static one => one.Kind));
    }

    /// <summary>Whoever makes names in a directory changes its attributes with each; what it is stays.</summary>
    [Fact]
    public void Who_needs_no_attributes_needs_no_lease_of_the_last_name()
    {
        for (var i = 0; i < 2; i++)
        {
            _book.Learn(
                _book.Begin(), InodeId.Root, Names("folder"), [Directory(Folder)], FsStatus.Ok, false, _nowMs, _wanted);
        }

        Assert.Equal([InodeId.Root], _wanted.Select(static one => one.Inode));
        Answer();
        _book.Learn(
            _book.Begin(), InodeId.Root, Names("folder"), [Directory(Folder)], FsStatus.Ok, false, _nowMs, _wanted);
        var steps = new List<PathStep>();
        Assert.Equal(
            FsStatus.Ok, _book.Walk(InodeId.Root, Names("folder"), needsStatus: false, _leased.Contains, steps));
        Assert.Equal(Folder, Assert.Single(steps).Inode);
        Assert.Null(Walk("folder").Status);
    }

    /// <summary>A directory that is moved has another one above it, and its own attributes need not change.</summary>
    [Fact]
    public void What_is_above_is_always_asked_for()
    {
        Grant();
        _book.Learn(
            _book.Begin(),
            InodeId.Root,
            Names("folder", ".."),
            [Directory(Folder), Directory(InodeId.Root)],
            FsStatus.Ok,
            true,
            _nowMs,
            _wanted);
        Assert.Null(Walk("folder", "..").Status);
    }

    [Fact]
    public void What_was_not_looked_at_lately_makes_room()
    {
        _book = new PathBook(100);
        Grant();
        Look();
        for (ulong i = 0; i < 1_000; i++)
        {
            _book.Learn(
                _book.Begin(),
                InodeId.Root,
                Names("folder", $"{i}"),
                [Directory(Folder), File(new InodeId(1_000 + i), 1)],
                FsStatus.Ok,
                true,
                _nowMs,
                _wanted);
            Assert.InRange(_book.Count, 1, 100);
        }

        // It was looked at once, long ago; its directory all the time.
        Assert.Contains(Leaf, _book.Dropped);
        Assert.DoesNotContain(Folder, _book.Dropped);
        Assert.Equal(Folder, Assert.Single(Walk("folder", "999").Steps).Inode);
    }

    private static byte[][] Names(params string[] names) => [.. names.Select(Encoding.UTF8.GetBytes)];

    private static FileStatus Directory(InodeId inode) => File(inode, 0) with { Kind = FileKind.Directory };

    private static FileStatus File(InodeId inode, long size) => new()
    {
        Inode = inode,
        Kind = FileKind.File,
        Mode = 0x1FF,
        Uid = 0,
        Gid = 0,
        Links = 1,
        Size = size,
        Allocated = 0,
    };

    /// <summary>/folder/leaf is looked at, and is there.</summary>
    private void Look() => Learn(_book.Begin());

    private void Learn(ulong begun) => _book.Learn(
        begun,
        InodeId.Root,
        Names("folder", "leaf"),
        [Directory(Folder), File(Leaf, 5)],
        FsStatus.Ok,
        needsStatus: true,
        _nowMs,
        _wanted);

    private void LookInVain() => _book.Learn(
        _book.Begin(),
        InodeId.Root,
        Names("folder", "none", "below"),
        [Directory(Folder)],
        FsStatus.NotFound,
        needsStatus: true,
        _nowMs,
        _wanted);

    /// <summary>Leases of the root, the folder and the leaf.</summary>
    private void Grant()
    {
        Look();
        Look();
        Answer();
    }

    private void Answer(FileStatus? leaf = null)
    {
        foreach (var (inode, ask) in _wanted)
        {
            var status = inode == Leaf ? leaf ?? File(Leaf, 5) : Directory(inode);
            _leased.Add(inode);
            Assert.True(_book.Answered(inode, ask, LeaseMode.Read, status, _nowMs));
        }

        _wanted.Clear();
    }

    private (FsStatus? Status, List<PathStep> Steps) Walk(params string[] names)
    {
        var steps = new List<PathStep>();
        return (_book.Walk(InodeId.Root, Names(names), needsStatus: true, _leased.Contains, steps), steps);
    }
}
