using System.Buffers;
using System.Text;
using DistFS.Metadata.Collection;
using DistFS.Metadata.Fsck;
using DistFS.Metadata.Quotas;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Sessions;
using Google.Protobuf;

namespace DistFS.Metadata.Tests;

/// <content>Words for extended attributes, opens, collection and reads.</content>
internal sealed partial class Namespace
{
    public ReadContext Reading => new(Tree, Caller);

    public FsStatus SetXattr(InodeId inode, string name, byte[] value, bool create = false, bool replace = false) =>
        Apply(new Operation
        {
            SetXattr = new SetXattrRequest
            {
                Inode = inode.Value,
                Name = Bytes(name),
                Value = ByteString.CopyFrom(value),
                Create = create,
                Replace = replace,
            },
        });

    public FsStatus RemoveXattr(InodeId inode, string name) => Apply(new Operation
    {
        RemoveXattr = new RemoveXattrRequest { Inode = inode.Value, Name = Bytes(name) },
    });

    public FsStatus GetXattr(InodeId inode, string name, out byte[] value)
    {
        var writer = new ArrayBufferWriter<byte>();
        var status = GetXattrRead.Apply(Reading, inode, Encoding.Latin1.GetBytes(name), writer);
        value = writer.WrittenSpan.ToArray();
        return status;
    }

    /// <summary>The names of its extended attributes.</summary>
    public string[] Xattrs(InodeId inode)
    {
        var writer = new ArrayBufferWriter<byte>();
        Assert.Equal(FsStatus.Ok, ListXattrsRead.Apply(Reading, inode, writer));
        return Encoding.Latin1.GetString(writer.WrittenSpan).Split('\0', StringSplitOptions.RemoveEmptyEntries);
    }

    public FsStatus Open(InodeId inode, ulong handle, Access access = Access.Read) => Apply(new Operation
    {
        Open = new OpenRequest { Inode = inode.Value, Open = Handle(handle, access) },
    });

    public FsStatus Release(InodeId inode, ulong handle) =>
        Apply(new Operation { Release = new ReleaseRequest { Inode = inode.Value, Handle = handle } });

    public static OpenHandle Handle(ulong handle, Access access) => new() { Handle = handle, Access = (uint)access };

    public FsStatus SetQuota(InodeId directory, ulong inodesMax = 0, ulong bytesMax = 0, bool clear = false) =>
        Apply(new Operation
        {
            SetQuota = new SetQuotaRequest
            {
                Inode = directory.Value,
                InodesMax = inodesMax,
                BytesMax = bytesMax,
                Clear = clear,
            },
        });

    public QuotaRow Quota(InodeId directory)
    {
        Assert.True(Tree.TryGetQuota(directory, out var row), $"{directory} has no quota");
        return row;
    }

    /// <summary>A file gets so many bytes more in its metadata row, or less.</summary>
    public FsStatus Allocate(InodeId file, int bytes)
    {
        var stored = Row(file).Allocated;
        return Apply(bytes < 0
            ? new Operation
            {
                SetSize = new SetSizeRequest { Inode = file.Value, Size = (ulong)(stored + bytes) },
            }
            : new Operation
            {
                WriteInline = new WriteInlineRequest
                {
                    Inode = file.Value,
                    Offset = (ulong)stored,
                    Data = ByteString.CopyFrom(new byte[bytes]),
                },
            });
    }

    /// <summary>A step of collection.</summary>
    public CollectReply Collect(int rowsMax = 1000)
    {
        _now = _now.Next;
        Index = Index.Next;
        var reply = Collector.Run(new MetadataContext(Tree, _now, Principal.Root) { Index = Index }, rowsMax);
        _changes.Keep();
        return reply;
    }

    /// <summary>A session ends, as the machine does it.</summary>
    public void EndSession(ClientId client)
    {
        Assert.True(new SessionTable(_changes).End(client));
        Collector.SessionEnded(Tree, client);
        _changes.Keep();
    }

    /// <summary>A session begins.</summary>
    public void BeginSession(ClientId client)
    {
        new SessionTable(_changes).Open(client.Value, new LogIndex(client.Value), 10_000, _now);
        _changes.Keep();
    }

    public bool Exists(InodeId id) => Tree.TryGet(id, out _);

    /// <summary>How many rows of a table there are.</summary>
    public int Count(RowTable table) => Rows().Rows.Count(row => row.Key[0] == (byte)table);

    /// <summary>Which inode a name leads to.</summary>
    public FsStatus Lookup(InodeId directory, string name, out InodeId id) =>
        LookupRead.Apply(Reading, directory, Encoding.Latin1.GetBytes(name), out id, out _);

    /// <summary>All invariants hold.</summary>
    public void Sound() => Assert.Empty(TreeCheck.Run(Rows(), 7));

    /// <summary>Everything goes to the store; what follows is pending again.</summary>
    public void Flush() => _changes.Flush();
}
