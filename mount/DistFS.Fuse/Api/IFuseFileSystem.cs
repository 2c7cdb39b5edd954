namespace DistFS.Fuse;

/// <summary>
/// What every file system does. More is taken up by more interfaces: <see cref="IFuseNamespace"/>,
/// <see cref="IFuseFiles"/>, <see cref="IFuseDirectories"/>, <see cref="IFuseXattrs"/>, <see cref="IFuseLocks"/>.
/// What is not taken up is answered with <see cref="Errno.ENOSYS"/>; <see cref="OpcodeTable"/> tells what the kernel
/// makes of it.
/// </summary>
/// <remarks>
/// Every method is called on a reader's thread, several at a time, and either answers there or calls
/// <see cref="FuseRequest.Defer"/> and lets somebody answer later: it never blocks. Names are bytes, not text. Names
/// and content that come with a request are valid until it is answered.
/// </remarks>
public interface IFuseFileSystem
{
    /// <summary>INIT was agreed on; nothing else was asked for yet.</summary>
    void Started(FuseNegotiated negotiated)
    {
    }

    /// <summary>Finds a name. Each entry that the kernel takes counts as one lookup of its node.</summary>
    /// <param name="parent">Node of the directory; the root is 1.</param>
    /// <param name="name">Up to 255 bytes, without zero and slash.</param>
    /// <param name="reply">Answer.</param>
    void Lookup(ulong parent, ReadOnlyMemory<byte> name, EntryReply reply);

    /// <summary>The kernel dropped lookups of a node; at 0 it does not know the node any more.</summary>
    void Forget(ulong node, ulong count);

    /// <summary>stat.</summary>
    void GetAttr(ulong node, in FuseGetAttrIn arguments, AttrReply reply);

    /// <summary>Changes what <see cref="FuseSetAttrIn.Valid"/> names.</summary>
    void SetAttr(ulong node, in FuseSetAttrIn arguments, AttrReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>statx with what stat lacks.</summary>
    void Statx(ulong node, in FuseStatxIn arguments, StatxReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>access(2); never asked with default_permissions.</summary>
    void Access(ulong node, in FuseAccessIn arguments, EmptyReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>Space and limits.</summary>
    void StatFs(ulong node, StatFsReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>syncfs(2), where the kernel asks for it.</summary>
    void SyncFs(ulong node, EmptyReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>The last call, once, after all requests have ended or were given up.</summary>
    void Destroyed()
    {
    }
}

/// <summary>Changes of names, and links.</summary>
public interface IFuseNamespace
{
    /// <summary>The target of a symbolic link, without a zero byte.</summary>
    void ReadLink(ulong node, DataReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>Makes a symbolic link.</summary>
    void SymLink(ulong parent, ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> target, EntryReply reply) =>
        reply.Fail(Errno.ENOSYS);

    /// <summary>Makes a file, device, FIFO or socket.</summary>
    void MkNod(ulong parent, in FuseMkNodIn arguments, ReadOnlyMemory<byte> name, EntryReply reply) =>
        reply.Fail(Errno.ENOSYS);

    /// <summary>Makes a directory.</summary>
    void MkDir(ulong parent, in FuseMkDirIn arguments, ReadOnlyMemory<byte> name, EntryReply reply) =>
        reply.Fail(Errno.ENOSYS);

    /// <summary>Removes a name of what is no directory.</summary>
    void Unlink(ulong parent, ReadOnlyMemory<byte> name, EmptyReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>Removes an empty directory.</summary>
    void RmDir(ulong parent, ReadOnlyMemory<byte> name, EmptyReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>RENAME and RENAME2. A flag that is not honoured must be refused with EINVAL.</summary>
    void Rename(
        ulong parent,
        in FuseRename2In arguments,
        ReadOnlyMemory<byte> name,
        ReadOnlyMemory<byte> newName,
        EmptyReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>Gives <see cref="FuseLinkIn.OldNodeId"/> one name more, in <paramref name="parent"/>.</summary>
    void Link(ulong parent, in FuseLinkIn arguments, ReadOnlyMemory<byte> name, EntryReply reply) =>
        reply.Fail(Errno.ENOSYS);
}

/// <summary>
/// Content of files. Fsync has no default: the kernel takes ENOSYS for success, for ever.
/// </summary>
public interface IFuseFiles
{
    /// <summary>Opens; truncates too when <see cref="FuseFeatures.AtomicOpenTruncate"/> was agreed on.</summary>
    void Open(ulong node, in FuseOpenIn arguments, OpenReply reply);

    /// <summary>Makes and opens. ENOSYS: the kernel uses MKNOD and OPEN from then on.</summary>
    void Create(ulong parent, in FuseCreateIn arguments, ReadOnlyMemory<byte> name, CreateReply reply) =>
        reply.Fail(Errno.ENOSYS);

    /// <summary>Makes and opens a file without a name.</summary>
    void TmpFile(ulong parent, in FuseCreateIn arguments, CreateReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>Reads up to <see cref="FuseReadIn.Size"/> bytes; fewer mean the end of the file.</summary>
    void Read(ulong node, in FuseReadIn arguments, DataReply reply);

    /// <summary>Writes all of <paramref name="data"/>, which is valid until the answer.</summary>
    void Write(ulong node, in FuseWriteIn arguments, ReadOnlyMemory<byte> data, WriteReply reply) =>
        reply.Fail(Errno.ENOSYS);

    /// <summary>A close. ENOSYS: never asked again.</summary>
    void Flush(ulong node, in FuseFlushIn arguments, EmptyReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>fsync and fdatasync.</summary>
    void Fsync(ulong node, in FuseFsyncIn arguments, EmptyReply reply);

    /// <summary>The last use of an open file ended; errors go nowhere.</summary>
    void Release(ulong node, in FuseReleaseIn arguments, EmptyReply reply);

    /// <summary>fallocate(2). A mode that is not honoured must be refused with EOPNOTSUPP.</summary>
    void Fallocate(ulong node, in FuseFallocateIn arguments, EmptyReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>SEEK_DATA 3 and SEEK_HOLE 4. ENOSYS: the kernel takes the file for one piece of data.</summary>
    void Seek(ulong node, in FuseSeekIn arguments, SeekReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>copy_file_range(2). ENOSYS: read and write instead.</summary>
    void CopyFileRange(ulong node, in FuseCopyFileRangeIn arguments, CopyReply reply) => reply.Fail(Errno.ENOSYS);
}

/// <summary>
/// Names of directories. FsyncDir has no default: the kernel takes ENOSYS for success, for ever.
/// </summary>
public interface IFuseDirectories
{
    /// <summary>Opens a directory.</summary>
    void OpenDir(ulong node, in FuseOpenIn arguments, OpenReply reply);

    /// <summary>
    /// Names after <see cref="FuseReadIn.Offset"/>, which is 0 or the offset that came with an earlier name.
    /// </summary>
    void ReadDir(ulong node, in FuseReadIn arguments, DirectoryReply reply);

    /// <summary>
    /// The same with attributes. Each entry but "." and ".." counts as a lookup, unless its node id is 0.
    /// </summary>
    void ReadDirPlus(ulong node, in FuseReadIn arguments, DirectoryReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>fsync of a directory.</summary>
    void FsyncDir(ulong node, in FuseFsyncIn arguments, EmptyReply reply);

    /// <summary>The last use of an open directory ended.</summary>
    void ReleaseDir(ulong node, in FuseReleaseIn arguments, EmptyReply reply);
}

/// <summary>Extended attributes. ENOSYS: the kernel says EOPNOTSUPP from then on.</summary>
public interface IFuseXattrs
{
    /// <summary>
    /// Sets. Names that are not honoured must be refused with EOPNOTSUPP: programs that could store
    /// system.posix_acl_access rely on it instead of chmod.
    /// </summary>
    void SetXattr(
        ulong node,
        in FuseSetXattrIn arguments,
        ReadOnlyMemory<byte> name,
        ReadOnlyMemory<byte> value,
        EmptyReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>Gets; the reply minds the size that was asked for.</summary>
    void GetXattr(ulong node, ReadOnlyMemory<byte> name, XattrReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>Lists: names that end with a zero byte each.</summary>
    void ListXattr(ulong node, XattrReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>Removes.</summary>
    void RemoveXattr(ulong node, ReadOnlyMemory<byte> name, EmptyReply reply) => reply.Fail(Errno.ENOSYS);
}

/// <summary>Locks; without the features for them the kernel keeps locks of this mount only.</summary>
public interface IFuseLocks
{
    /// <summary>A lock that is in the way of this one, or one of type F_UNLCK (2).</summary>
    void GetLock(ulong node, in FuseLockIn arguments, LockReply reply) => reply.Fail(Errno.ENOSYS);

    /// <summary>
    /// Takes or gives back. With <paramref name="mayWait"/> it is answered when the lock is there, or with EINTR when
    /// <see cref="FuseRequest.Interrupted"/> says so.
    /// </summary>
    void SetLock(ulong node, in FuseLockIn arguments, bool mayWait, EmptyReply reply) => reply.Fail(Errno.ENOSYS);
}
