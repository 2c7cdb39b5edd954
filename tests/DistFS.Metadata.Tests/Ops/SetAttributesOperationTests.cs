namespace DistFS.Metadata.Tests.Ops;

/// <summary>POSIX, chmod, chown, utimensat.</summary>
public sealed class SetAttributesOperationTests
{
    private static readonly Principal Owner = Namespace.User(1000, 100, 200);
    private readonly Namespace _fs = new();
    private readonly InodeId _file;

    public SetAttributesOperationTests()
    {
        var home = _fs.Directory(InodeId.Root, "home", 0b111_111_111);
        _fs.Caller = Owner;
        _file = _fs.File(home, "f", 0b110_110_100_100);
    }

    [Fact]
    public void Mode()
    {
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Mode = 0b111_000_000));
        Assert.Equal((0b111_000_000u, _fs.Now), (_fs.Row(_file).Mode, _fs.Row(_file).ChangeTime));
        Assert.Equal(FsStatus.Invalid, _fs.Set(_file, set => set.Mode = 0x1000));
        _fs.Caller = Namespace.User(1001, 100);
        Assert.Equal(FsStatus.NotPermitted, _fs.Set(_file, set => set.Mode = 0));
        Assert.Equal(FsStatus.NotFound, _fs.Set(new InodeId(99), set => set.Mode = 0));
    }

    [Fact]
    public void Who_is_not_in_the_group_does_not_let_it_run_as_it()
    {
        _fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Gid = 777));
        _fs.Caller = Owner;
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Mode = Modes.SetGid | 0b111_111_111));
        Assert.Equal(0b111_111_111u, _fs.Row(_file).Mode);
    }

    [Fact]
    public void Owner_and_group()
    {
        Assert.Equal(FsStatus.NotPermitted, _fs.Set(_file, set => set.Uid = 1001));
        Assert.Equal(FsStatus.NotPermitted, _fs.Set(_file, set => set.Gid = 300));
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => (set.Uid, set.Gid) = (1000, 200)));
        Assert.Equal(200u, _fs.Row(_file).Gid);
        _fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => (set.Uid, set.Gid) = (5, 6)));
        Assert.Equal((5u, 6u), (_fs.Row(_file).Uid, _fs.Row(_file).Gid));
        _fs.Caller = Owner;
        Assert.Equal(FsStatus.NotPermitted, _fs.Set(_file, set => set.Uid = 1000));
    }

    [Fact]
    public void Another_owner_takes_the_special_bits_away()
    {
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Mode = Modes.SetUid | Modes.SetGid | 0b111_101_101));
        _fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Uid = 7));
        Assert.Equal(0b111_101_101u, _fs.Row(_file).Mode);

        // Without the right to run as a group the bit means mandatory locks, and stays.
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Mode = Modes.SetGid | 0b111_100_101));
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Uid = 8));
        Assert.Equal(Modes.SetGid | 0b111_100_101, _fs.Row(_file).Mode);
    }

    [Fact]
    public void Times()
    {
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set =>
        {
            set.AccessTime = At(-5, 999_999_999);
            set.ModifyTime = Now();
        }));
        var row = _fs.Row(_file);
        Assert.Equal(
            (new FileTime(-5, 999_999_999), _fs.Now, _fs.Now), (row.AccessTime, row.ModifyTime, row.ChangeTime));
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.ModifyTime = At(1, 2)));
        Assert.Equal(new FileTime(-5, 999_999_999), _fs.Row(_file).AccessTime);
        Assert.Equal(FsStatus.Invalid, _fs.Set(_file, set => set.ModifyTime = At(1, 1_000_000_000)));
        Assert.Equal(FsStatus.Invalid, _fs.Set(
            _file, set => set.ModifyTime = new SetAttributesRequest.Types.NewTime()));
    }

    [Fact]
    public void Who_may_set_times()
    {
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => set.Mode = 0b110_110_100));
        _fs.Caller = Namespace.User(1001, 100);
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, set => (set.AccessTime, set.ModifyTime) = (Now(), Now())));
        Assert.Equal(FsStatus.NotPermitted, _fs.Set(_file, set => set.ModifyTime = Now()));
        Assert.Equal(FsStatus.NotPermitted, _fs.Set(_file, set => set.ModifyTime = At(1, 2)));
        _fs.Caller = Namespace.User(1001, 1);
        Assert.Equal(FsStatus.AccessDenied, _fs.Set(_file, set => (set.AccessTime, set.ModifyTime) = (Now(), Now())));
    }

    [Fact]
    public void All_or_nothing()
    {
        var before = _fs.Row(_file);
        Assert.Equal(FsStatus.NotPermitted, _fs.Set(_file, set => (set.Mode, set.Uid) = (0, 1001)));
        Assert.Equal(before, _fs.Row(_file));
        Assert.Equal(FsStatus.Ok, _fs.Set(_file, _ => { }));
        Assert.Equal(before, _fs.Row(_file));
    }

    private static SetAttributesRequest.Types.NewTime Now() => new() { Now = true };

    private static SetAttributesRequest.Types.NewTime At(long seconds, uint nanoseconds) =>
        new() { Time = new Time { Seconds = seconds, Nanoseconds = nanoseconds } };
}
