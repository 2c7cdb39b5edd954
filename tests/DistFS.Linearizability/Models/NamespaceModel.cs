using DistFS.Primitives;

namespace DistFS.Linearizability;

/// <summary>
/// Names of files in directories that are made before the history begins and stay: create exclusively, link, unlink,
/// rename (IEEE Std 1003.1: open with O_CREAT and O_EXCL, link, unlink, rename), look up and list. A list is one view
/// of the directory: record only those that are (one page, or a pinned version).
/// </summary>
/// <remarks>
/// Files are told apart by inode number, which the service chooses, so that of a pending create is unknown until a
/// look-up tells it; names of one such file are known to be the same file nevertheless. Two files that live at once
/// have different numbers; a number may be used again later, as POSIX allows. Statuses other than Ok, NotFound and
/// AlreadyExists are never right: record such an operation as failed or unknown.
/// </remarks>
public sealed class NamespaceModel : IModel<NamespaceState, NamespaceInput, NamespaceOutput>
{
    /// <inheritdoc/>
    public NamespaceState Initial => NamespaceState.Empty;

    /// <inheritdoc/>
    public bool TryStep(NamespaceState state, NamespaceInput input, NamespaceOutput output, out NamespaceState next)
    {
        var after = input.Kind switch
        {
            NamespaceInputKind.CreateExclusive => CreateExclusive(state, input.Path, output),
            NamespaceInputKind.Link =>
                Link(state, state.TryGet(input.Path, out var inode), inode, input.Target, output),
            NamespaceInputKind.LinkFile => Link(state, state.HasInode(input.Inode), input.Inode, input.Target, output),
            NamespaceInputKind.Unlink => Change(state, input.Path, output, s => s.Without(input.Path)),
            NamespaceInputKind.Rename => Change(state, input.Path, output, s => Rename(s, input)),
            NamespaceInputKind.Lookup => Lookup(state, input.Path, output),
            _ => output.Status == FsStatus.Ok && state.HasExactly(input.Path, output.Names) ? state : null,
        };
        next = after ?? state;
        return after is not null;
    }

    /// <inheritdoc/>
    public NamespaceState StepUnknown(NamespaceState state, NamespaceInput input) => input.Kind switch
    {
        NamespaceInputKind.CreateExclusive when !state.Contains(input.Path) =>
            state.With(input.Path, state.NewUnknown()),
        NamespaceInputKind.Link when state.TryGet(input.Path, out var inode) && !state.Contains(input.Target) =>
            state.With(input.Target, inode),
        NamespaceInputKind.LinkFile when state.HasInode(input.Inode) && !state.Contains(input.Target) =>
            state.With(input.Target, input.Inode),
        NamespaceInputKind.Unlink => state.Without(input.Path),
        NamespaceInputKind.Rename when state.Contains(input.Path) => Rename(state, input),
        _ => state,
    };

    private static NamespaceState? CreateExclusive(NamespaceState state, string path, NamespaceOutput output) =>
        output.Status switch
        {
            FsStatus.AlreadyExists when state.Contains(path) => state,
            FsStatus.Ok when !state.Contains(path) && !state.HasInode(output.Inode) => state.With(path, output.Inode),
            _ => null,
        };

    /// <summary>POSIX does not say which error comes first, so any whose condition holds is right.</summary>
    private static NamespaceState? Link(
        NamespaceState state, bool exists, long inode, string target, NamespaceOutput output) => output.Status switch
        {
            FsStatus.NotFound when !exists => state,
            FsStatus.AlreadyExists when state.Contains(target) => state,
            FsStatus.Ok when exists && !state.Contains(target) => state.With(target, inode),
            _ => null,
        };

    private static NamespaceState? Change(
        NamespaceState state, string path, NamespaceOutput output, Func<NamespaceState, NamespaceState> change) =>
        output.Status switch
        {
            FsStatus.NotFound when !state.Contains(path) => state,
            FsStatus.Ok when state.Contains(path) => change(state),
            _ => null,
        };

    /// <summary>POSIX: if both names are the same file, rename succeeds and does nothing.</summary>
    private static NamespaceState Rename(NamespaceState state, NamespaceInput input)
    {
        _ = state.TryGet(input.Path, out var inode);
        return state.TryGet(input.Target, out var target) && target == inode
            ? state
            : state.Without(input.Path).With(input.Target, inode);
    }

    private static NamespaceState? Lookup(NamespaceState state, string path, NamespaceOutput output)
    {
        if (output.Status != FsStatus.Ok)
        {
            return output.Status == FsStatus.NotFound && !state.Contains(path) ? state : null;
        }

        if (!state.TryGet(path, out var inode) || (output.Links != 0 && output.Links != state.LinksOf(inode)))
        {
            return null;
        }

        if (inode == output.Inode)
        {
            return state;
        }

        return NamespaceState.IsUnknown(inode) && !state.HasInode(output.Inode)
            ? state.Replace(inode, output.Inode)
            : null;
    }
}
