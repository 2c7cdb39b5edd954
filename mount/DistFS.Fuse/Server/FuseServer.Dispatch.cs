namespace DistFS.Fuse;

/// <content>From a request to the method of the file system.</content>
public sealed partial class FuseServer
{
    private void Handle(RequestState state, OpcodeRow? row)
    {
        var opcode = state.Header.Opcode;
        var unique = state.Header.Unique;
        try
        {
            if (row == null)
            {
                new EmptyReply(new FuseRequest(state)).Fail(Errno.ENOSYS);
            }
            else if (!state.TryParse(row))
            {
                Options.Observer?.Defect(opcode, unique, $"A malformed {row.Name}.", null);
                new EmptyReply(new FuseRequest(state)).Fail(Errno.EIO);
            }
            else
            {
                Dispatch(state, new FuseRequest(state));
            }
        }
        catch (Exception e)
        {
            // Whatever a handler throws must not leave its caller waiting; the owner is told.
            state.FailIfOpen();
            Options.Observer?.Defect(opcode, unique, $"The handler of {opcode} failed.", e);
            return;
        }

        if (!state.WasDeferred && state.FailIfOpen())
        {
            Options.Observer?.Defect(opcode, unique, $"The handler of {opcode} neither answered nor deferred.", null);
        }
    }

    private void Dispatch(RequestState state, FuseRequest request)
    {
        var node = state.Header.NodeId;
        switch (state.Header.Opcode)
        {
            case Opcode.Lookup:
                _fileSystem.Lookup(node, state.Name, new EntryReply(request));
                break;
            case Opcode.GetAttr:
                _fileSystem.GetAttr(node, in state.Arguments<FuseGetAttrIn>(), new AttrReply(request));
                break;
            case Opcode.SetAttr:
                _fileSystem.SetAttr(node, in state.Arguments<FuseSetAttrIn>(), new AttrReply(request));
                break;
            case Opcode.Statx:
                _fileSystem.Statx(node, in state.Arguments<FuseStatxIn>(), new StatxReply(request));
                break;
            case Opcode.Access:
                _fileSystem.Access(node, in state.Arguments<FuseAccessIn>(), new EmptyReply(request));
                break;
            case Opcode.StatFs:
                _fileSystem.StatFs(node, new StatFsReply(request));
                break;
            case Opcode.SyncFs:
                _fileSystem.SyncFs(node, new EmptyReply(request));
                break;
            case Opcode.Ioctl:
                new EmptyReply(request).Fail(Errno.ENOTTY);
                break;
            default:
                if (!(DispatchFile(state, request, node) || DispatchName(state, request, node)
                    || DispatchDirectory(state, request, node) || DispatchOther(state, request, node)))
                {
                    new EmptyReply(request).Fail(Errno.ENOSYS);
                }

                break;
        }
    }

    private bool DispatchFile(RequestState state, FuseRequest request, ulong node)
    {
        if (_files is not { } files)
        {
            return false;
        }

        switch (state.Header.Opcode)
        {
            case Opcode.Read:
                files.Read(node, in state.Arguments<FuseReadIn>(), new DataReply(request));
                return true;
            case Opcode.Write:
                files.Write(node, in state.Arguments<FuseWriteIn>(), state.Second, new WriteReply(request));
                return true;
            case Opcode.Open:
                files.Open(node, in state.Arguments<FuseOpenIn>(), new OpenReply(request));
                return true;
            case Opcode.Create:
                files.Create(node, in state.Arguments<FuseCreateIn>(), state.Name, new CreateReply(request));
                return true;
            case Opcode.TmpFile:
                files.TmpFile(node, in state.Arguments<FuseCreateIn>(), new CreateReply(request));
                return true;
            case Opcode.Flush:
                files.Flush(node, in state.Arguments<FuseFlushIn>(), new EmptyReply(request));
                return true;
            case Opcode.Fsync:
                files.Fsync(node, in state.Arguments<FuseFsyncIn>(), new EmptyReply(request));
                return true;
            case Opcode.Release:
                files.Release(node, in state.Arguments<FuseReleaseIn>(), new EmptyReply(request));
                return true;
            case Opcode.Fallocate:
                files.Fallocate(node, in state.Arguments<FuseFallocateIn>(), new EmptyReply(request));
                return true;
            case Opcode.Seek:
                files.Seek(node, in state.Arguments<FuseSeekIn>(), new SeekReply(request));
                return true;
            case Opcode.CopyFileRange or Opcode.CopyFileRange64:
                files.CopyFileRange(node, in state.Arguments<FuseCopyFileRangeIn>(), new CopyReply(request));
                return true;
            default:
                return false;
        }
    }

    private bool DispatchName(RequestState state, FuseRequest request, ulong node)
    {
        if (_namespace is not { } names)
        {
            return false;
        }

        switch (state.Header.Opcode)
        {
            case Opcode.ReadLink:
                names.ReadLink(node, new DataReply(request));
                return true;
            case Opcode.SymLink:
                names.SymLink(node, state.Name, state.Second, new EntryReply(request));
                return true;
            case Opcode.MkNod:
                names.MkNod(node, in state.Arguments<FuseMkNodIn>(), state.Name, new EntryReply(request));
                return true;
            case Opcode.MkDir:
                names.MkDir(node, in state.Arguments<FuseMkDirIn>(), state.Name, new EntryReply(request));
                return true;
            case Opcode.Unlink:
                names.Unlink(node, state.Name, new EmptyReply(request));
                return true;
            case Opcode.RmDir:
                names.RmDir(node, state.Name, new EmptyReply(request));
                return true;
            case Opcode.Rename:
                var plain = new FuseRename2In { NewParent = state.Arguments<FuseRenameIn>().NewParent };
                names.Rename(node, in plain, state.Name, state.Second, new EmptyReply(request));
                return true;
            case Opcode.Rename2:
                names.Rename(
                    node, in state.Arguments<FuseRename2In>(), state.Name, state.Second, new EmptyReply(request));
                return true;
            case Opcode.Link:
                names.Link(node, in state.Arguments<FuseLinkIn>(), state.Name, new EntryReply(request));
                return true;
            default:
                return false;
        }
    }

    private bool DispatchDirectory(RequestState state, FuseRequest request, ulong node)
    {
        if (_directories is not { } directories)
        {
            return false;
        }

        switch (state.Header.Opcode)
        {
            case Opcode.OpenDir:
                directories.OpenDir(node, in state.Arguments<FuseOpenIn>(), new OpenReply(request));
                return true;
            case Opcode.ReadDir:
                directories.ReadDir(node, in state.Arguments<FuseReadIn>(), new DirectoryReply(request));
                return true;
            case Opcode.ReadDirPlus:
                directories.ReadDirPlus(node, in state.Arguments<FuseReadIn>(), new DirectoryReply(request));
                return true;
            case Opcode.FsyncDir:
                directories.FsyncDir(node, in state.Arguments<FuseFsyncIn>(), new EmptyReply(request));
                return true;
            case Opcode.ReleaseDir:
                directories.ReleaseDir(node, in state.Arguments<FuseReleaseIn>(), new EmptyReply(request));
                return true;
            default:
                return false;
        }
    }

    private bool DispatchOther(RequestState state, FuseRequest request, ulong node)
    {
        switch (state.Header.Opcode)
        {
            case Opcode.SetXattr when _xattrs != null:
                var arguments = state.SetXattrArguments();
                _xattrs.SetXattr(node, in arguments, state.Name, state.Second, new EmptyReply(request));
                return true;
            case Opcode.GetXattr when _xattrs != null:
                _xattrs.GetXattr(node, state.Name, new XattrReply(request));
                return true;
            case Opcode.ListXattr when _xattrs != null:
                _xattrs.ListXattr(node, new XattrReply(request));
                return true;
            case Opcode.RemoveXattr when _xattrs != null:
                _xattrs.RemoveXattr(node, state.Name, new EmptyReply(request));
                return true;
            case Opcode.GetLock when _locks != null:
                _locks.GetLock(node, in state.Arguments<FuseLockIn>(), new LockReply(request));
                return true;
            case Opcode.SetLock or Opcode.SetLockWait when _locks != null:
                var mayWait = state.Header.Opcode == Opcode.SetLockWait;
                _locks.SetLock(node, in state.Arguments<FuseLockIn>(), mayWait, new EmptyReply(request));
                return true;
            default:
                return false;
        }
    }
}
