using System.Text;
using DistFS.Metadata.Chunks;
using DistFS.Metadata.Ops;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Sessions;
using DistFS.Metadata.Store;
using Google.Protobuf;

namespace DistFS.Metadata.Tests;

/// <summary>A namespace with nothing but its root, and short words for the operations on it.</summary>
internal sealed partial class Namespace
{
    private readonly Changes _changes;
    private FileTime _now = new(1_800_000_000, 0);

    public Namespace()
    {
        _changes = new Changes(Store);
        Tree = new Tree(_changes, nameKey: 7);
        Tree.Put(InodeId.Root, new InodeRow
        {
            Kind = InodeKind.Directory,
            Mode = 0b111_101_101,
            Uid = 0,
            Gid = 0,
            Links = 2,
            Parent = InodeId.Root,
            AccessTime = _now,
            ModifyTime = _now,
            ChangeTime = _now,
            BirthTime = _now,
        });
        var sessions = new SessionTable(_changes);
        Assert.Equal(Client, sessions.Open(Client.Value, new LogIndex(Client.Value), 10_000, _now));
        Assert.Equal(OtherClient, sessions.Open(OtherClient.Value, new LogIndex(OtherClient.Value), 10_000, _now));
        _changes.Keep();
    }

    public MemoryStore Store { get; } = new();

    public Tree Tree { get; }

    /// <summary>Who does what follows.</summary>
    public Principal Caller { get; set; } = Principal.Root;

    /// <summary>Whose session it is.</summary>
    public ClientId Client { get; set; } = new(1);

    /// <summary>Another session.</summary>
    public static ClientId OtherClient { get; } = new(2);

    /// <summary>The time of the last operation.</summary>
    public FileTime Now => _now;

    /// <summary>The servers that were chosen for new chunks; null: none were.</summary>
    public Placements? Placements { get; set; }

    /// <summary>The entry of the last operation.</summary>
    public LogIndex Index { get; private set; }

    /// <summary>All that the last operation that ended well replied.</summary>
    public OperationReply Reply { get; private set; } = new();

    /// <summary>The attributes that the last operation told.</summary>
    public Attributes Last { get; private set; } = new();

    public FsStatus Apply(Operation operation)
    {
        _now = _now.Next;
        Index = Index.Next;
        var reply = new OperationReply();
        var context = new MetadataContext(Tree, _now, Caller, Client) { Index = Index, Placements = Placements };
        var status = Operations.Apply(context, operation, reply);
        if (status == FsStatus.Ok)
        {
            _changes.Keep();
            Last = reply.Attributes ?? Last;
            Reply = reply;
        }
        else
        {
            _changes.Drop();
        }

        return status;
    }

    public FsStatus Make(
        InodeId parent,
        string name,
        InodeKind kind = InodeKind.File,
        uint mode = 0b110_100_100,
        bool orExisting = false,
        string target = "",
        ulong device = 0,
        uint umask = 0,
        OpenHandle? open = null)
    {
        var request = new MakeRequest
        {
            Parent = parent.Value,
            Name = Bytes(name),
            Kind = (uint)kind,
            Mode = mode,
            OrExisting = orExisting,
            Target = Bytes(target),
            Device = device,
            Umask = umask,
            Open = open,
        };
        return Apply(new Operation { Make = request });
    }

    /// <summary>Makes it, which must work.</summary>
    public InodeId File(InodeId parent, string name, uint mode = 0b110_100_100) => Must(Make(parent, name, mode: mode));

    /// <summary>Makes it, which must work.</summary>
    public InodeId Directory(InodeId parent, string name, uint mode = 0b111_101_101) =>
        Must(Make(parent, name, InodeKind.Directory, mode));

    public FsStatus Link(InodeId inode, InodeId parent, string name) => Apply(new Operation
    {
        Link = new LinkRequest { Inode = inode.Value, Parent = parent.Value, Name = Bytes(name) },
    });

    public FsStatus Unlink(InodeId parent, string name, InodeId only = default) => Apply(new Operation
    {
        Unlink = new UnlinkRequest { Parent = parent.Value, Name = Bytes(name), Inode = only.Value },
    });

    public FsStatus RemoveDirectory(InodeId parent, string name) => Apply(new Operation
    {
        RemoveDirectory = new RemoveDirectoryRequest { Parent = parent.Value, Name = Bytes(name) },
    });

    public FsStatus Rename(
        InodeId fromParent, string from, InodeId toParent, string to, bool noReplace = false, bool exchange = false) =>
        Apply(new Operation
        {
            Rename = new RenameRequest
            {
                FromParent = fromParent.Value,
                FromName = Bytes(from),
                ToParent = toParent.Value,
                ToName = Bytes(to),
                NoReplace = noReplace,
                Exchange = exchange,
            },
        });

    public FsStatus Set(InodeId inode, Action<SetAttributesRequest> what)
    {
        var request = new SetAttributesRequest { Inode = inode.Value };
        what(request);
        return Apply(new Operation { SetAttributes = request });
    }

    public InodeRow Row(InodeId id)
    {
        Assert.True(Tree.TryGet(id, out var row), $"{id} is gone");
        return row;
    }

    public InodeId? Find(InodeId parent, string name) =>
        Tree.TryFind(parent, Encoding.Latin1.GetBytes(name), out var dentry) ? dentry.Inode : null;

    /// <summary>What was changed beside the operations stays.</summary>
    public void Keep() => _changes.Keep();

    /// <summary>All rows, with what has not reached the store yet.</summary>
    public MemoryStore Rows()
    {
        _changes.Flush();
        return Store;
    }

    /// <summary>Whoever is in that group too.</summary>
    public static Principal User(uint uid, uint gid, params uint[] groups) => new(uid, gid, groups);

    private static ByteString Bytes(string text) => ByteString.CopyFrom(Encoding.Latin1.GetBytes(text));

    private InodeId Must(FsStatus status)
    {
        Assert.Equal(FsStatus.Ok, status);
        return new InodeId(Last.Inode);
    }
}
