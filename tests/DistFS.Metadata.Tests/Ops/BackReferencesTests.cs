using DistFS.Metadata.Fsck;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using Google.Protobuf;

namespace DistFS.Metadata.Tests.Ops;

/// <summary>Operations of one request that are about what an earlier one of it made.</summary>
public sealed class BackReferencesTests
{
    private readonly MemoryStore _store = new();
    private readonly MetadataMachine _machine;
    private ulong _sequence;

    public BackReferencesTests()
    {
        _machine = new MetadataMachine(_store);
        Apply(new MetadataCommand { Bootstrap = new BootstrapRequest { NameKeyLow = 5, Mode = 0x1ED } });
        Apply(new MetadataCommand { OpenSession = new OpenSessionRequest { Nonce = 9, LeaseMs = 10_000 } });
    }

    [Fact]
    public void A_directory_with_a_small_file_in_it_is_one_request()
    {
        var statuses = Mutate(
            Make(InodeId.Root, "d", InodeKind.Directory), Make(InodeId.ToldBy(0), "f"),
            Write(InodeId.ToldBy(1), "hello"), new Operation
            {
                Link = new LinkRequest
                {
                    Inode = InodeId.ToldBy(2).Value,
                    Parent = InodeId.ToldBy(0).Value,
                    Name = Bytes("g"),
                },
            });
        Assert.Equal([FsStatus.Ok, FsStatus.Ok, FsStatus.Ok, FsStatus.Ok], statuses);
        Assert.True(_machine.Tree!.TryFind(InodeId.Root, "d"u8, out var directory));
        Assert.True(_machine.Tree.TryFind(directory.Inode, "g"u8, out var file));
        Assert.Equal("hello"u8.ToArray(), _machine.Tree.Content(file.Inode));
        _machine.Flush();
        Assert.Empty(TreeCheck.Run(_store, 5));
    }

    [Fact]
    public void A_small_file_is_made_written_and_closed_in_one_request()
    {
        var make = Make(InodeId.Root, "f");
        make.Make.Open = new OpenHandle { Handle = 1, Access = 2 };
        var release = new ReleaseRequest { Inode = InodeId.ToldBy(0).Value, Handle = 1 };
        Assert.Equal(
            [FsStatus.Ok, FsStatus.Ok, FsStatus.Ok],
            Mutate(make, Write(InodeId.ToldBy(0), "hello"), new Operation { Release = release }));
        Assert.True(_machine.Tree!.TryFind(InodeId.Root, "f"u8, out var file));
        Assert.True(_machine.Tree.TryGet(file.Inode, out var row));
        Assert.Equal((0u, 5L), (row.Opens, row.Size));
    }

    [Fact]
    public void What_refers_to_a_failure_is_not_done_nor_what_refers_to_that()
    {
        Assert.Equal(
            [FsStatus.Ok, FsStatus.AlreadyExists, FsStatus.Cancelled, FsStatus.Cancelled, FsStatus.Ok],
            Mutate(Make(InodeId.Root, "f"), Make(InodeId.Root, "f"), Write(InodeId.ToldBy(1), "x"),
                Write(InodeId.ToldBy(2), "x"), Write(InodeId.ToldBy(0), "y")));
    }

    [Fact]
    public void Only_what_is_before_it_and_tells_an_inode_can_be_referred_to()
    {
        var unlink = new Operation
        {
            Caller = new Caller(),
            Unlink = new UnlinkRequest { Parent = InodeId.Root.Value, Name = Bytes("f") },
        };
        Assert.Equal(
            [FsStatus.Ok, FsStatus.Ok, FsStatus.Invalid, FsStatus.Invalid, FsStatus.Invalid],
            Mutate(Make(InodeId.Root, "f"), unlink, Write(InodeId.ToldBy(1), "x"), Write(InodeId.ToldBy(3), "x"),
                Write(InodeId.ToldBy(9999), "x")));

        // Another request begins anew.
        Assert.Equal([FsStatus.Invalid], Mutate(Write(InodeId.ToldBy(0), "x")));
    }

    /// <summary>Every inode that a message names beside a chunk may be a reference.</summary>
    [Fact]
    public void In_every_field()
    {
        var inode = InodeId.ToldBy(0).Value;
        var name = Bytes("n");
        Operation[] operations =
        [
            new() { Make = new MakeRequest { Parent = inode, Name = name, Kind = 8 } },
            new() { Link = new LinkRequest { Inode = inode, Parent = inode, Name = name } },
            new() { Unlink = new UnlinkRequest { Parent = inode, Name = name } },
            new() { RemoveDirectory = new RemoveDirectoryRequest { Parent = inode, Name = name } },
            new() { Rename = new RenameRequest { FromParent = inode, FromName = name, ToName = name } },
            new() { Rename = new RenameRequest { FromName = name, ToParent = inode, ToName = name } },
            new() { SetAttributes = new SetAttributesRequest { Inode = inode } },
            Write(InodeId.ToldBy(0), "x"),
            new() { SetSize = new SetSizeRequest { Inode = inode } },
            new() { AllocateChunks = new AllocateChunksRequest { Inode = inode } },
            new() { ShareRange = new ShareRangeRequest { FromInode = inode, ToInode = inode } },
            new() { PunchRange = new PunchRangeRequest { Inode = inode } },
            new() { SetXattr = new SetXattrRequest { Inode = inode } },
            new() { RemoveXattr = new RemoveXattrRequest { Inode = inode } },
            new() { Open = new OpenRequest { Inode = inode } },
            new() { Release = new ReleaseRequest { Inode = inode } },
            new() { SetQuota = new SetQuotaRequest { Inode = inode } },
            new() { Lock = new LockRequest { Inode = inode } },
            new() { SetRetention = new SetRetentionRequest { Inode = inode } },
            new() { Restore = new RestoreRequest { Inode = inode, Parent = inode } },
            new() { Purge = new PurgeRequest { Inode = inode } },
        ];
        foreach (var operation in operations)
        {
            var before = new OperationReply { Attributes = new Attributes { Inode = 77 } };
            Assert.Equal(FsStatus.Ok, DistFS.Metadata.Ops.BackReferences.Resolve(operation, [before]));
            Assert.DoesNotContain(inode.ToString(), operation.ToString(), StringComparison.Ordinal);
            Assert.Contains("77", operation.ToString(), StringComparison.Ordinal);
        }
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private static Operation Make(InodeId parent, string name, InodeKind kind = InodeKind.File) => new()
    {
        Caller = new Caller(),
        Make = new MakeRequest { Parent = parent.Value, Name = Bytes(name), Kind = (uint)kind, Mode = 0b111_101_101 },
    };

    private static Operation Write(InodeId inode, string text) => new()
    {
        Caller = new Caller(),
        WriteInline = new WriteInlineRequest { Inode = inode.Value, Data = Bytes(text) },
    };

    private IEnumerable<FsStatus> Mutate(params Operation[] operations)
    {
        var request = new MutateRequest();
        foreach (var operation in operations)
        {
            operation.Caller ??= new Caller();
            request.Operations.Add(operation);
        }

        var reply = Apply(new MetadataCommand { Client = 2, Sequence = ++_sequence, Mutate = request.ToByteString() });
        return reply.Mutate.Replies.Select(one => (FsStatus)one.Status);
    }

    private MetadataReply Apply(MetadataCommand command)
    {
        command.LeaderTime = new Time { Seconds = 1_800_000_000 };
        var reply = MetadataReply.Parser.ParseFrom(_machine.Apply(_machine.AppliedIndex.Next, command.ToByteArray()));
        Assert.Equal(0, reply.Status);
        return reply;
    }
}
