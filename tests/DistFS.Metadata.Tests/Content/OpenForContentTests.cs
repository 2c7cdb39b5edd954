namespace DistFS.Metadata.Tests.Content;

/// <summary>
/// POSIX, open: rights are asked for when a file is opened. Whoever has it open may go on, whatever its mode is now;
/// and nobody writes by an open that is not his, or not for writing.
/// </summary>
public sealed class OpenForContentTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;
    private readonly WrittenChunk _chunk;

    public OpenForContentTests()
    {
        _file = _files.Fs.File(InodeId.Root, "f", 0b110_110_110);
        _files.Fs.Caller = Namespace.User(1000, 100);
        Assert.Equal(FsStatus.Ok, _files.Fs.Open(_file, 1, Access.Write));
        Assert.Equal(FsStatus.Ok, _files.Fs.Open(_file, 2, Access.Read));
        _chunk = _files.Open(_file, 0, 10);
        Assert.Equal(FsStatus.Ok, _files.Commit(_file, _chunk));
        _files.Fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _files.Fs.Set(_file, set => set.Mode = 0));
        _files.Fs.Caller = Namespace.User(1000, 100);
    }

    public static TheoryData<string> Operations =>
    [
        "write", "size", "allocate", "commit", "version", "seal", "punch", "share from", "share to", "install",
    ];

    [Theory]
    [MemberData(nameof(Operations))]
    public void Only_by_an_open_of_the_session_for_that(string what)
    {
        // By the rights of now he may not.
        Assert.Equal(FsStatus.AccessDenied, Apply(what, null));

        // No such open, one for something else, one of another session.
        Assert.Equal(FsStatus.BadHandle, Apply(what, 9));
        Assert.Equal(FsStatus.BadHandle, Apply(what, what == "share from" ? 1u : 2u));
        _files.Fs.Client = Namespace.OtherClient;
        Assert.Equal(FsStatus.BadHandle, Apply(what, 1));
        _files.Fs.Client = new ClientId(1);
        Assert.NotEqual(FsStatus.BadHandle, Apply(what, what == "share from" ? 2u : 1u));
        Assert.NotEqual(FsStatus.AccessDenied, Apply(what, what == "share from" ? 2u : 1u));
        _files.Sound();
    }

    [Fact]
    public void Whoever_opened_it_for_writing_goes_on()
    {
        Assert.Equal(FsStatus.Ok, Apply("commit", 1));
        Assert.Equal(FsStatus.Ok, Apply("seal", 1));
        Assert.Equal(FsStatus.Ok, Apply("size", 1));
        Assert.Equal(5, _files.Size(_file));
        Assert.Equal(FsStatus.Ok, _files.Fs.Release(_file, 1));
        Assert.Equal(FsStatus.BadHandle, Apply("size", 1));
        _files.Sound();
    }

    [Fact]
    public void Its_owner_too_has_to_have_it_open()
    {
        _files.Fs.Caller = Principal.Root;
        Assert.Equal(FsStatus.Ok, _files.Fs.Set(_file, set => set.Uid = 1000));
        _files.Fs.Caller = Namespace.User(1000, 100);
        Assert.Equal(FsStatus.AccessDenied, _files.SetSize(_file, 1));
        Assert.Equal(FsStatus.Ok, Apply("size", 1));
        Assert.Equal(FsStatus.Ok, _files.Fs.Make(
            Writable(), "read-only", mode: 0b100_100_100, open: Namespace.Handle(5, Access.Write)));
        var made = new InodeId(_files.Fs.Last.Inode);
        var write = Files.WriteOf(made, 0, [1, 2]);
        write.WriteInline.Handle = 5;
        Assert.Equal(FsStatus.Ok, _files.Fs.Apply(write));
        _files.Sound();
    }

    private InodeId Writable()
    {
        var caller = _files.Fs.Caller;
        _files.Fs.Caller = Principal.Root;
        var directory = _files.Fs.Directory(InodeId.Root, "d", 0b111_111_111);
        _files.Fs.Caller = caller;
        return directory;
    }

    private FsStatus Apply(string what, uint? handle)
    {
        var operation = new Operation();
        switch (what)
        {
            case "write":
                operation.WriteInline = new WriteInlineRequest { Inode = _file.Value };
                break;
            case "size":
                operation.SetSize = new SetSizeRequest { Inode = _file.Value, Size = 5 };
                break;
            case "allocate":
                operation.AllocateChunks = new AllocateChunksRequest { Inode = _file.Value, Indices = { 0 } };
                break;
            case "commit":
                operation.CommitWrite = new CommitWriteRequest { Inode = _file.Value, Chunks = { _chunk } };
                break;
            case "version":
                operation.NewVersion = new NewVersionRequest { Inode = _file.Value, Chunk = _chunk };
                break;
            case "seal":
                operation.SealChunks = new SealChunksRequest { Inode = _file.Value, Chunks = { _chunk } };
                break;
            case "punch":
                operation.PunchRange = new PunchRangeRequest { Inode = _file.Value, Length = 5 };
                break;
            case "install":
                operation.InstallChunk = new InstallChunkRequest { Inode = _file.Value, Chunk = _chunk };
                break;
            default:
                operation.ShareRange = new ShareRangeRequest
                {
                    FromInode = _file.Value,
                    ToInode = _file.Value,
                    ToOffset = Files.Chunk,
                    Length = 5,
                };
                break;
        }

        if (handle is { } by)
        {
            SetHandle(operation, by, what);
        }

        return _files.Fs.Apply(operation);
    }

    private static void SetHandle(Operation operation, uint handle, string what)
    {
        if (operation.ShareRange is { } share)
        {
            (share.FromHandle, share.ToHandle) = what == "share from" ? (handle, 1U) : (2U, handle);
            return;
        }

        // All others call it the same.
        var request = (Google.Protobuf.IMessage)Operation.Descriptor
            .FindFieldByNumber((int)operation.KindCase).Accessor.GetValue(operation);
        request.Descriptor.FindFieldByName("handle").Accessor.SetValue(request, (ulong)handle);
    }
}
