"""Writes the HDF5 files that the tests read: python make.py (needs h5py)."""
import h5py
import numpy as np

train = (np.arange(20 * 8, dtype="<f4").reshape(20, 8) - 60) / 7
test = train[:5] + 0.5
with h5py.File("contiguous.hdf5", "w") as f:
    f.attrs["type"] = "dense"
    f.attrs["distance"] = "angular"
    f.attrs["dimension"] = 8
    f.create_dataset("train", data=train)
    f.create_dataset("test", data=test)
    f.create_dataset("distances", data=test.astype("<f8"))
    f.create_dataset("neighbors", data=(np.arange(15, dtype="<i4").reshape(5, 3) - 7))
    f.create_dataset("labels", data=np.arange(20, dtype="u1"))
with h5py.File("chunked.hdf5", "w") as f:
    f.create_dataset("train", data=train, chunks=(3, 5), compression="gzip", shuffle=True, fletcher32=True)
    f.create_dataset("test", data=test, chunks=(2, 8))
    f.create_dataset("lzf", data=train, chunks=(4, 8), compression="lzf")
    f.create_dataset("cube", data=np.zeros((2, 2, 2), "<f4"))
    f.create_dataset("big", data=train.astype(">f4"))
with h5py.File("latest.hdf5", "w", libver="latest") as f:
    f.create_dataset("train", data=train)
